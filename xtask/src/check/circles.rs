//! Modules point one way: from what uses to what is used. A circle between them makes a
//! change in one a change in all, so each is refused, in lessons and in tools.
//!
//! A module points at another where it names a path into it. What only tests name does not
//! count: a test stands below everything.

use super::whole::Complaint;
use super::whole::Whole;
use crate::folder::paths;
use anyhow::Context;
use petgraph::algo::astar;
use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;
use proc_macro2::TokenStream;
use proc_macro2::TokenTree;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use syn::UseTree;
use syn::visit::Visit;

/// The tools, beside the lessons.
const TOOLS: &[&str] = &["bench", "ladder", "tests", "xtask"];

/// The circles of all crates that no exception allows.
///
/// # Errors
///
/// A file cannot be read, or is no Rust.
pub(super) fn all(whole: &Whole) -> anyhow::Result<Vec<Complaint>> {
    let mut complaints = Vec::new();
    for (lesson, files, _) in whole.lessons() {
        let texts = files.iter().map(|file| {
            let text = String::from_utf8_lossy(&file.content).into_owned();
            (file.path.clone(), text)
        });
        complaints.extend(circles(whole, lesson.name, texts.collect())?);
    }
    for tool in TOOLS {
        let mut texts = BTreeMap::new();
        for path in paths(&whole.ladder.root, &[tool])? {
            if let Some(inside) = path.strip_prefix(&format!("{tool}/"))
                && path.ends_with(".rs")
                && whole.ladder.root.join(&path).is_file()
            {
                texts.insert(inside.to_owned(), whole.text(&path)?);
            }
        }
        complaints.extend(circles(whole, tool, texts)?);
    }
    Ok(complaints)
}

/// The circles of one crate, from the texts of its files.
fn circles(
    whole: &Whole,
    name: &str,
    texts: BTreeMap<String, String>,
) -> anyhow::Result<Vec<Complaint>> {
    let arrows = arrows(name, &texts)?;
    let graph: DiGraphMap<&str, ()> = arrows
        .iter()
        .map(|(from, to)| (from.as_str(), to.as_str()))
        .collect();
    let mut complaints = Vec::new();
    for component in tarjan_scc(&graph) {
        let around = around(&graph, &component);
        if around.is_empty() || whole.excused("circle", &component) {
            continue;
        }
        let from = around.first().copied().unwrap_or_default();
        let file = texts
            .keys()
            .find(|path| module(path).as_deref() == Some(from));
        let file = file.map_or_else(|| name.to_owned(), |path| format!("{name}/{path}"));
        let what = format!("modules point in a circle: {}", around.join(" → "));
        complaints.push(Complaint::by_hand(&file, 1, what));
    }
    Ok(complaints)
}

/// The shortest way from a module of the component back to it.
fn around<'a>(graph: &DiGraphMap<&'a str, ()>, component: &[&'a str]) -> Vec<&'a str> {
    let ways = component.iter().filter_map(|start| {
        let nexts = graph.neighbors(start);
        let ways = nexts.filter_map(|next| astar(graph, next, |at| at == *start, |_| 1, |_| 0));
        let (_, way) = ways.min_by_key(|(cost, _)| *cost)?;
        Some([&[*start], &way[..]].concat())
    });
    ways.min_by_key(Vec::len).unwrap_or_default()
}

/// The module that a file holds; the crate itself is `crate`.
fn module(path: &str) -> Option<String> {
    let inside = path.strip_prefix("src/")?.strip_suffix(".rs")?;
    let inside = inside.strip_suffix("/mod").unwrap_or(inside);
    Some(match inside {
        "lib" | "main" => "crate".to_owned(),
        inside => inside.replace('/', "::"),
    })
}

/// Which module names a path into which.
fn arrows(
    name: &str,
    texts: &BTreeMap<String, String>,
) -> anyhow::Result<BTreeSet<(String, String)>> {
    // A program beside a library is a crate of its own, which nothing can point at.
    let beside = texts.contains_key("src/lib.rs");
    let mut readers: BTreeMap<String, Reader> = BTreeMap::new();
    for (path, text) in texts {
        let Some(module) = module(path).filter(|_| !beside || path != "src/main.rs") else {
            continue;
        };
        let file = syn::parse_file(text).with_context(|| format!("{name}/{path}"))?;
        let mut reader = Reader::default();
        reader.visit_file(&file);
        readers.insert(module, reader);
    }
    let tests = readers.iter().flat_map(|(module, reader)| {
        let child = move |child: &String| format!("{module}::{child}");
        reader.tests.iter().map(child)
    });
    let tests: Vec<String> = tests
        .map(|path| path.trim_start_matches("crate::").to_owned())
        .collect();
    let is_test = |module: &str| {
        let mut below = tests.iter().filter_map(|tests| module.strip_prefix(tests));
        below.any(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    readers.retain(|module, _| !is_test(module));
    let modules: BTreeSet<&str> = readers.keys().map(String::as_str).collect();
    let mut arrows = BTreeSet::new();
    for (from, reader) in &readers {
        let paths = reader.paths.iter();
        let targets = paths.filter_map(|path| resolve(from, path, &modules));
        let others = targets.filter(|to| to != from);
        arrows.extend(others.map(|to| (from.clone(), to)));
    }
    Ok(arrows)
}

/// The module that a path written in another leads into.
fn resolve(from: &str, path: &[String], modules: &BTreeSet<&str>) -> Option<String> {
    let here: Vec<&str> = match from {
        "crate" => Vec::new(),
        from => from.split("::").collect(),
    };
    let mut at = here.clone();
    for (index, part) in path.iter().enumerate() {
        match part.as_str() {
            "crate" if index == 0 => at.clear(),
            "self" if index == 0 => {}
            "super" => drop(at.pop()),
            part => at.push(part),
        }
    }
    let rooted = path
        .first()
        .is_some_and(|first| ["crate", "self", "super"].contains(&first.as_str()));
    // The longest part of it that is a module; between two modules a folder may be none.
    let least = if rooted { 0 } else { here.len() + 1 };
    let parts = (least..=at.len())
        .rev()
        .filter_map(|length| at.get(..length));
    let mut parts = parts.map(|part| part.join("::"));
    let module = parts.find(|part| modules.contains(part.as_str()));
    // What begins with another name than a child's comes from elsewhere.
    module.or_else(|| rooted.then(|| "crate".to_owned()))
}

/// Gathers the paths that a file names.
#[derive(Default)]
struct Reader {
    paths: Vec<Vec<String>>,
    /// The children that are there for tests alone.
    tests: Vec<String>,
    /// How many modules that the file itself holds are open.
    inside: usize,
}

impl Reader {
    /// Notes a path, as it is seen from the file's own module.
    fn named(&mut self, mut path: Vec<String>) {
        let up = path.iter().take_while(|part| *part == "super").count();
        let inside = up.min(self.inside);
        if inside > 0 {
            path.splice(..inside, ["self".to_owned()]);
        }
        self.paths.push(path);
    }

    fn used(&mut self, tree: &UseTree, before: &[String]) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.used(&path.tree, &with(&path.ident)),
            UseTree::Name(name) => self.named(with(&name.ident)),
            UseTree::Rename(name) => self.named(with(&name.ident)),
            UseTree::Glob(_) => self.named(before.to_owned()),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.used(tree, before)),
        }
    }

    fn text(&mut self, text: &str) {
        if text.contains("::")
            && let Ok(path) = syn::parse_str::<syn::Path>(text)
        {
            self.visit_path(&path);
        }
    }

    /// What a macro is given is no syntax yet: a path there is names with `::` between them.
    fn given(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(name) if colons == 2 || path.is_empty() => {
                    path.push(name.to_string());
                    colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                other => {
                    self.named(std::mem::take(&mut path));
                    colons = 0;
                    match other {
                        TokenTree::Ident(name) => path.push(name.to_string()),
                        TokenTree::Group(group) => self.given(group.stream()),
                        TokenTree::Literal(text) => self.text(text.to_string().trim_matches('"')),
                        _ => {}
                    }
                }
            }
        }
        self.named(path);
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let attributes = match item {
            syn::Item::Mod(item) => &item.attrs,
            syn::Item::Fn(item) => &item.attrs,
            syn::Item::Use(item) => &item.attrs,
            _ => &Vec::new(),
        };
        let tests = |it: &syn::Attribute| {
            it.path().is_ident("cfg")
                && it.parse_args::<syn::Ident>().is_ok_and(|cfg| cfg == "test")
        };
        let holds = matches!(item, syn::Item::Mod(item) if item.content.is_some());
        if !attributes.iter().any(tests) {
            self.inside += usize::from(holds);
            syn::visit::visit_item(self, item);
            self.inside -= usize::from(holds);
        } else if let syn::Item::Mod(child) = item {
            self.tests.push(child.ident.to_string());
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.used(&item.tree, &[]);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts = path.segments.iter().map(|part| part.ident.to_string());
        self.named(parts.collect());
        syn::visit::visit_path(self, path);
    }

    /// serde's `with = "crate::yaml::list"` is a path, too.
    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        self.text(&text.value());
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.given(list.tokens.clone());
        }
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.given(call.tokens.clone());
        syn::visit::visit_macro(self, call);
    }

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {
        // `pub(super)` points at nobody.
    }
}

#[cfg(test)]
mod tests {
    use super::arrows;
    use std::collections::BTreeMap;

    fn found(files: &[(&str, &str)]) -> anyhow::Result<Vec<String>> {
        let texts = files
            .iter()
            .map(|(path, text)| (format!("src/{path}.rs"), (*text).to_owned()));
        let texts: BTreeMap<String, String> = texts.collect();
        let arrows = arrows("x", &texts)?;
        Ok(arrows
            .iter()
            .map(|(from, to)| format!("{from} → {to}"))
            .collect())
    }

    #[test]
    fn a_module_points_where_it_names_a_path() -> anyhow::Result<()> {
        let files = [
            ("lib", "pub mod a; pub mod b; pub mod c; mod d;"),
            ("a", "mod below; use crate::b::B; fn f() { below::g(); }"),
            ("a/below", "pub(super) fn g() { super::h(); }"),
            (
                "b",
                "use crate::{a as other, c::C}; use std::fmt; pub struct B;",
            ),
            (
                "f/g",
                "use crate::f::g::G; use crate::c; mod own { use super::G; }",
            ),
            (
                "e",
                "struct E { #[serde(with = \"crate::c::list\")] list: Vec<u8> }",
            ),
            (
                "c",
                "fn f() { println!(\"{}\", crate::d::x(super::a::Y)); }",
            ),
            (
                "d",
                "#[cfg(test)] mod tests { use crate::a; } fn a() { a::x() }",
            ),
        ];
        let arrows = found(&files)?;
        let wanted = [
            "a → a::below",
            "a → b",
            "a::below → a",
            "b → a",
            "b → c",
            "c → a",
            "c → d",
            "e → c",
            "f::g → c",
        ];
        assert_eq!(arrows, wanted);
        Ok(())
    }

    #[test]
    fn a_program_beside_a_library_is_no_part_of_it() -> anyhow::Result<()> {
        let files = [
            ("lib", "pub mod a;"),
            ("a", ""),
            ("main", "use crate::x; use x::a;"),
        ];
        assert!(found(&files)?.is_empty());
        assert_eq!(
            found(&[("main", "mod a; use a::A;"), ("a", "use crate::B;")])?.len(),
            2
        );
        Ok(())
    }
}
