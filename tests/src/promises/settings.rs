//! Settings: which of them wins, which are refused, and what is never shown.

use super::process::fails_in_one_line;
use crate::stage::Output;
use crate::stage::Stage;
use anyhow::ensure;
use std::path::PathBuf;

/// A setting, by the name of its flag.
struct Setting {
    flag: &'static str,
    /// The lesson that brought it.
    since: &'static str,
    /// What is logged at debug if nobody sets it.
    default: &'static str,
    /// What may stand in a file, a variable and a flag, and what is logged of each.
    values: [(&'static str, &'static str); 3],
    /// What it does not take.
    bad: &'static str,
}

const SETTINGS: &[Setting] = &[
    Setting {
        flag: "store",
        since: "e-conf",
        default: "store: ", // yaml, and later mysql
        values: [
            ("memory", "store: Memory"),
            ("yaml", "store: Yaml"),
            ("grpc", "store: Grpc"),
        ],
        bad: "mongo",
    },
    Setting {
        flag: "log-filter",
        since: "e-conf",
        default: "",
        values: [
            ("debug,a=warn", "target: Some(\"a\")"),
            ("debug,b=warn", "target: Some(\"b\")"),
            ("debug,c=warn", "target: Some(\"c\")"),
        ],
        bad: "==",
    },
    Setting {
        flag: "log-format",
        since: "e-conf",
        default: "format: Text",
        values: [
            ("json", "format: Json"),
            ("text", "format: Text"),
            ("json", "format: Json"),
        ],
        bad: "xml",
    },
    Setting {
        flag: "yaml-file",
        since: "e-conf",
        default: "file: \"users.yaml\"",
        values: [
            ("a.yaml", "file: \"a.yaml\""),
            ("b.yaml", "file: \"b.yaml\""),
            ("c.yaml", "file: \"c.yaml\""),
        ],
        bad: "",
    },
    Setting {
        flag: "http-addr",
        since: "e-conf",
        default: "addr: 127.0.0.1:8080",
        values: [
            ("127.0.0.1:1", "addr: 127.0.0.1:1 "),
            ("127.0.0.1:2", "addr: 127.0.0.1:2 "),
            ("127.0.0.1:3", "addr: 127.0.0.1:3 "),
        ],
        bad: "localhost",
    },
    Setting {
        flag: "grpc-addr",
        since: "e-conf",
        default: "addr: 127.0.0.1:50051",
        values: [
            ("127.0.0.1:1", "addr: 127.0.0.1:1,"),
            ("127.0.0.1:2", "addr: 127.0.0.1:2,"),
            ("127.0.0.1:3", "addr: 127.0.0.1:3,"),
        ],
        bad: "127.0.0.1:66000",
    },
    Setting {
        flag: "grpc-upstream",
        since: "e-conf",
        default: "upstream: http://127.0.0.1:50051/",
        values: [
            ("http://a:1", "upstream: http://a:1/"),
            ("http://b:1", "upstream: http://b:1/"),
            ("http://c:1", "upstream: http://c:1/"),
        ],
        bad: "a:1",
    },
    Setting {
        flag: "mysql-url",
        since: "e-mysql",
        default: "mysql: Mysql { url: None",
        values: [
            ("mysql://u:unspeakable@a/d", "url: Some(mysql://a/d)"),
            ("mysql://u:unspeakable@b/d", "url: Some(mysql://b/d)"),
            ("mysql://u:unspeakable@c/d", "url: Some(mysql://c/d)"),
        ],
        bad: "mysql://u:unspeakable@a",
    },
    Setting {
        flag: "mysql-connections",
        since: "e-mysql",
        default: "connections: 16",
        values: [
            ("1", "connections: 1 "),
            ("2", "connections: 2 "),
            ("3", "connections: 3 "),
        ],
        bad: "0",
    },
    Setting {
        flag: "redis-url",
        since: "e-redis",
        default: "redis: Redis { url: None",
        values: [
            ("redis://:unspeakable@a", "url: Some(redis://a)"),
            ("redis://:unspeakable@b", "url: Some(redis://b)"),
            ("redis://:unspeakable@c", "url: Some(redis://c)"),
        ],
        bad: "unspeakable",
    },
    Setting {
        flag: "redis-ttl",
        since: "e-redis",
        default: "ttl: 60",
        values: [("1", "ttl: 1 "), ("2", "ttl: 2 "), ("3", "ttl: 3 ")],
        bad: "86401",
    },
];

impl Setting {
    /// Those that a stage's lesson has.
    fn of(stage: &Stage) -> impl Iterator<Item = &'static Self> {
        let has = |setting: &&Self| stage.lesson.has(setting.since);
        SETTINGS.iter().filter(has)
    }

    /// `GOMS__HTTP__ADDR`.
    fn variable(&self) -> String {
        format!("GOMS__{}", self.flag.to_uppercase().replacen('-', "__", 1))
    }

    /// `configs/http.yaml` and `addr`.
    fn place(&self, stage: &Stage) -> (PathBuf, String, &'static str) {
        let (section, key) = self.flag.split_once('-').unwrap_or(("goms", self.flag));
        let name = format!("configs/{section}.yaml");
        (stage.folder().join(&name), name, key)
    }
}

/// Runs a command that ends at once, on a store that needs nothing, with what it is to log
/// at debug; nothing but this is set.
async fn settings(
    stage: &Stage,
    variable: Option<(&str, &str)>,
    flags: &[&str],
) -> anyhow::Result<Output> {
    let debug = [("GOMS__LOG__FILTER", "debug"), ("GOMS__STORE", "memory")];
    let mut variables = debug.to_vec();
    variables.extend(variable);
    let unset = ["GOMS__MYSQL__URL", "GOMS__REDIS__URL"];
    let arguments = [flags, &["read", "1"]].concat();
    stage.run_without(&unset, &variables, &arguments).await
}

pub(crate) async fn flags_beat_the_environment_and_that_beats_the_files(
    stage: &Stage,
) -> anyhow::Result<()> {
    std::fs::create_dir(stage.folder().join("configs"))?;
    for setting in Setting::of(stage) {
        let (path, name, key) = setting.place(stage);
        let [
            (in_file, of_file),
            (in_variable, of_variable),
            (in_flag, of_flag),
        ] = setting.values;
        let variable = setting.variable();
        let variable = Some((variable.as_str(), in_variable));
        let flag = format!("--{}={in_flag}", setting.flag);
        let flag = &[flag.as_str()][..];

        let nothing = settings(stage, None, &[]).await?;
        std::fs::write(&path, format!("{key}: {in_file}\n"))?;
        // What the other runs set by a variable would hide what is in the file.
        let own = ["store", "log-filter"].contains(&setting.flag);
        let file = match own {
            true => from_file_alone(stage, setting.flag).await?,
            false => settings(stage, None, &[]).await?,
        };
        let both = settings(stage, variable, &[]).await?;
        let all = settings(stage, variable, flag).await?;
        std::fs::remove_file(&path)?;
        for (output, shown, source) in [
            (nothing, setting.default, "a default"),
            (file, of_file, name.as_str()),
            (both, of_variable, "a variable"),
            (all, of_flag, "a flag"),
        ] {
            let said = &output.stdout;
            ensure!(
                said.contains(shown),
                "{source} of --{}: {said}",
                setting.flag
            );
        }
    }
    Ok(())
}

/// As [`settings`], without the variable of this flag.
async fn from_file_alone(stage: &Stage, flag: &str) -> anyhow::Result<Output> {
    let variable = match flag {
        "store" => ("GOMS__LOG__FILTER", "debug"),
        _ => ("GOMS__STORE", "memory"),
    };
    let unset = ["GOMS__MYSQL__URL", "GOMS__REDIS__URL"];
    stage.run_without(&unset, &[variable], &["read", "1"]).await
}

pub(crate) async fn a_bad_setting_is_refused_with_its_source(stage: &Stage) -> anyhow::Result<()> {
    std::fs::create_dir(stage.folder().join("configs"))?;
    for setting in Setting::of(stage) {
        let (path, name, key) = setting.place(stage);
        let (bad, unknown) = (setting.bad, format!("{key}x"));
        for (text, line) in [
            (format!("# why\n{key}: '{bad}'\n"), 2),
            (format!("\n\n{unknown}: {bad}\n"), 3),
            (format!("{key}: [1]\n"), 1),
            (format!("{key}: {{a: 1}}\n"), 1),
            (format!("{key}: a: b\n"), 1),
            (format!("{key}: 'x\n"), 1),
        ] {
            std::fs::write(&path, &text)?;
            let output = settings(stage, None, &[]).await?;
            let told = fails_in_one_line(&output, &[&format!("{name}:")]);
            told.map_err(|error| error.context(format!("{name}: {text:?}")))?;
            let exact = text.contains('#') || text.contains(&unknown) || text.contains('[');
            ensure!(
                !exact || output.stderr.contains(&format!("{name}:{line}: ")),
                "{text:?}: {}",
                output.stderr
            );
        }
        std::fs::remove_file(path)?;
        let (variable, unknown) = (setting.variable(), format!("{}X", setting.variable()));
        for (variable, value) in [(&variable, bad), (&unknown, "1")] {
            let output = settings(stage, Some((variable, value)), &[]).await?;
            fails_in_one_line(&output, &[&format!("{variable}: ")])?;
        }
        for flag in [setting.flag.to_owned(), format!("{}x", setting.flag)] {
            let output = settings(stage, None, &[&format!("--{flag}={bad}")]).await?;
            let (code, said) = (output.status.code(), output.stderr);
            ensure!(code == Some(2), "--{flag}={bad}: {code:?}, {said}");
            ensure!(
                said.contains(&format!("--{flag}")),
                "--{flag}={bad}: {said}"
            );
        }
    }
    Ok(())
}

pub(crate) async fn a_password_is_never_shown(stage: &Stage) -> anyhow::Result<()> {
    let configs = stage.folder().join("configs");
    std::fs::create_dir(&configs)?;
    let good = "mysql://goms:verysecret@127.0.0.1:9/goms";
    let debug = &["--log-filter", "trace", "read", "1"][..];
    for (text, variable, flags) in [
        ("", good, debug),
        ("", good, &["--help"]),
        ("url: mysql://goms:verysecret@127.0.0.1:9/goms\n", "", debug),
        (
            "url: mysql://goms:verysecret@127.0.0.1:9/goms\n",
            "",
            &["--help"],
        ),
        ("url:mysql://goms:verysecret@127.0.0.1:9/goms\n", "", debug),
        ("mysql://goms:verysecret@127.0.0.1:9/goms: x\n", "", debug),
        (
            "url: [mysql://goms:verysecret@127.0.0.1:9/goms]\n",
            "",
            debug,
        ),
        ("", "http://goms:verysecret@127.0.0.1:9/goms", debug),
        ("", "mysql://goms:very/verysecret@127.0.0.1:9/goms", debug),
        ("", "mysql://goms:1/verysecret@127.0.0.1:9/goms", debug),
        ("", "mysql://goms:1?verysecret@127.0.0.1:9/goms", debug),
        ("", "mysql://goms:1#verysecret@127.0.0.1:9/goms", debug),
        ("", "goms:verysecret", debug),
        ("", "", &["--mysql-url", good, "read", "1"]),
        ("", "", &["--mysql-url", "goms:verysecret", "read", "1"]),
        (
            "",
            "",
            &[
                "--mysql-url",
                "mysql://goms:1/verysecret@127.0.0.1/goms",
                "read",
                "1",
            ],
        ),
    ] {
        std::fs::write(configs.join("mysql.yaml"), text)?;
        let url = [("GOMS__MYSQL__URL", variable)];
        let given = if variable.is_empty() { &[][..] } else { &url };
        let without = ["GOMS__MYSQL__URL", "GOMS__REDIS__URL"];
        let output = stage.run_without(&without, given, flags).await?;
        let said = format!("{}{}", output.stdout, output.stderr);
        ensure!(
            !said.contains("verysecret"),
            "{text:?} {variable:?} {flags:?}: {said}"
        );
        ensure!(
            flags == ["--help"] || !output.status.success(),
            "it works: {said}"
        );
    }
    Ok(())
}
