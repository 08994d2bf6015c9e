use super::Yaml;
use crate::store::Error;
use crate::store::Protocol;
use crate::store::Store;
use crate::user::Name;
use crate::user::Sex;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::symlink;
use std::sync::Arc;
use tempfile::TempDir;

#[tokio::test]
async fn a_change_keeps_the_link_and_the_permissions_of_the_file() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let (file, link) = (folder.path().join("file"), folder.path().join("link"));
    std::fs::write(&file, "")?;
    std::fs::set_permissions(&file, Permissions::from_mode(0o600))?;
    symlink(&file, &link)?;
    let users = Yaml::open(&link)?;
    users
        .create("gopher".to_owned().try_into()?, Sex::Male)
        .await?;
    assert!(link.is_symlink());
    assert!(std::fs::read_to_string(&file)?.contains("gopher"));
    assert_eq!(file.metadata()?.permissions().mode() & 0o777, 0o600);
    Ok(users.close().await?)
}

/// Two tasks on two threads: one writes the file again and again while the other counts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_ping_is_lost_while_the_file_is_written() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let users = Arc::new(Yaml::open(&folder.path().join("users.yaml"))?);
    let user = users
        .create("gopher".to_owned().try_into()?, Sex::Male)
        .await?;
    let writer = tokio::spawn({
        let users = users.clone();
        async move {
            for _ in 0..20 {
                users.update(user.clone()).await?;
            }
            crate::store::Result::Ok(())
        }
    });
    let mut pings = 0;
    while !writer.is_finished() {
        pings += 1;
        assert_eq!(users.ping(Protocol::Http).await?, pings);
        tokio::task::yield_now().await;
    }
    writer.await??;
    Ok(users.close().await?)
}

#[tokio::test]
async fn a_file_is_for_one_store_at_a_time() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let (file, link) = (folder.path().join("file"), folder.path().join("link"));
    std::fs::write(&file, "")?;
    symlink(&file, &link)?;
    let users = Yaml::open(&link)?;
    for path in [&file, &link] {
        let told = Yaml::open(path).err().map(|error| error.to_string());
        let told = told.unwrap_or_default();
        assert!(told.contains("another process uses this store"), "{told}");
    }
    Ok(users.close().await?)
}

/// A folder stands where the new file would be written.
#[tokio::test]
async fn a_change_that_cannot_be_saved_is_not_made() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let (file, fresh) = (folder.path().join("users"), folder.path().join("users.new"));
    let users = Yaml::open(&file)?;
    std::fs::create_dir(&fresh)?;
    let name = Name::try_from("gopher".to_owned())?;
    let failed = users.create(name.clone(), Sex::Male).await;
    assert!(matches!(failed, Err(Error::Unavailable(_))), "{failed:?}");
    let read = users.read(1.try_into()?).await;
    assert!(matches!(read, Err(Error::NotFound(_))), "{read:?}");
    std::fs::remove_dir(&fresh)?;
    let user = users.create(name, Sex::Male).await?;
    assert_eq!(users.read(user.uid).await?, user);
    Ok(users.close().await?)
}

/// An empty store would overwrite it.
#[test]
fn a_file_that_cannot_be_read_is_no_empty_store() -> anyhow::Result<()> {
    let folder = TempDir::new()?;
    let file = folder.path().join("users");
    std::fs::create_dir(&file)?;
    assert!(Yaml::open(&file).is_err());
    std::fs::remove_dir(&file)?;
    std::fs::write(&file, [0xff])?;
    assert!(Yaml::open(&file).is_err());
    Ok(())
}
