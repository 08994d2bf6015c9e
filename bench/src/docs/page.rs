//! The figures as text: the same tables on the screen and in `docs/price.md`.

use crate::figures::call::Call;
use crate::figures::figure::Figure;
use crate::figures::figure::number;
use crate::figures::goals::GOALS;
use crate::figures::report::Cost;
use crate::figures::report::Part;
use crate::figures::report::Report;
use crate::figures::report::VARIED;
use std::fmt::Write;

/// What the page says around the tables. A mark in braces stands for a table.
const PAGE: &str = include_str!("page.md.in");

/// What a lesson puts in a request's way, where its concern does not say it. This is only what
/// the code shows; what it costs, the tables show.
const STEPS: [(&str, &str); 8] = [
    ("e-http", "a socket, HTTP, routes, JSON, a lock"),
    (
        "e-grpc",
        "by HTTP nothing; by gRPC HTTP/2 and a protobuf message",
    ),
    ("e-conf", "nothing: settings are read at the start"),
    (
        "e-mysql",
        "a connection of the pool, a statement, and its answer",
    ),
    (
        "e-redis",
        "for a read one command to Redis instead of the statement; else nothing",
    ),
    (
        "e-limit",
        "a permit, a time limit, and a connection with time-outs",
    ),
    ("e-drain", "a token that the stop waits for"),
    (
        "e-pool",
        "for a statement a pool of our own, which sends one message less; else nothing",
    ),
];

/// `docs/price.md`.
pub(crate) fn page(report: &Report) -> String {
    let tables = [
        ("{machine}", machine(report)),
        ("{goals}", goals(report)),
        ("{proxy}", proxy(report)),
        ("{calls}", calls(report)),
        ("{steps}", steps(report)),
        ("{safety}", safety(report)),
        ("{processes}", processes(report)),
        ("{anchors}", anchors(report)),
        ("{load}", load(report)),
    ];
    let fill = |page: String, (mark, table): &(&str, String)| page.replace(mark, table.trim_end());
    tables.iter().fold(PAGE.to_owned(), fill)
}

/// The tables alone, for the screen.
pub(crate) fn tables(report: &Report) -> String {
    let mut tables = vec![calls(report), processes(report), anchors(report)];
    if !report.safety.is_empty() {
        tables.push(safety(report));
    }
    if report.newest().is_some() {
        tables.push(load(report));
    }
    tables.push(goals(report));
    tables.push(machine(report));
    tables.join("\n")
}

fn machine(report: &Report) -> String {
    let machine = &report.machine;
    format!(
        "{}, {} hardware threads; {}; {}. Measured by `{}`: rounds: {}, each with a run of {} s \
         of every load.\n",
        machine.cpu,
        machine.threads,
        machine.system,
        machine.programs.join(", "),
        report.command,
        report.runs,
        report.seconds,
    )
}

const CALLS: &str = "\
| lesson | store | call | connections | requests/s | CPU time, µs | p50, µs | p99, µs |
|---|---|---|---:|---:|---:|---:|---:|
";

fn calls(report: &Report) -> String {
    let mut table = CALLS.to_owned();
    for price in &report.lessons {
        rows(&mut table, price.lesson, price.store, &price.costs);
    }
    rows(&mut table, "nginx", "none", &report.anchors.nginx);
    rows(&mut table, "nginx, a proxy", "nginx", &report.proxy);
    table
}

fn rows<'a>(
    table: &mut String,
    subject: &str,
    store: &str,
    costs: impl IntoIterator<Item = &'a Cost>,
) {
    let measured = |cost: &&Cost| cost.rate.is_measured();
    for cost in costs.into_iter().filter(measured) {
        let (call, connections) = (cost.call.title(), cost.connections);
        let figures = [&cost.rate, &cost.cpu, &cost.p50, &cost.p99];
        let figures = figures.map(Figure::to_string).join(" | ");
        let _ = writeln!(
            table,
            "| {subject} | {store} | {call} | {connections} | {figures} |"
        );
    }
}

fn goals(report: &Report) -> String {
    let newest = report.newest().map_or("newest lesson", |it| it.lesson);
    let mut table = String::from("| figure | goal | measured | |\n|---|---:|---:|---|\n");
    for goal in &GOALS {
        let (value, verdict) = match goal.value(report) {
            Some(value) if goal.bound.is_met(value.median()) => (value.to_string(), "met"),
            Some(value) => (value.to_string(), "**missed**"),
            None => ("–".to_owned(), "not measured"),
        };
        let (figure, bound) = (goal.figure.replace("{newest}", newest), &goal.bound);
        let _ = writeln!(table, "| {figure} | {bound} | {value} | {verdict} |");
    }
    table
}

/// What another hop costs nginx, as a multiple.
fn proxy(report: &Report) -> String {
    let alone = report.proxy.iter().find(|cost| cost.connections == 1);
    let ratio = alone.and_then(Cost::ratio);
    ratio.map_or("–".to_owned(), |ratio| ratio.to_string())
}

fn steps(report: &Report) -> String {
    let mut table = String::from(
        "| lesson | what is new to a request | ping | read | gRPC read |\n|---|---|---:|---:|---:|\n",
    );
    for price in &report.lessons {
        let step = STEPS.iter().find(|(lesson, _)| *lesson == price.lesson);
        let met = step.map_or(price.concern, |(_, met)| met);
        let column = |call| {
            let cpu = |lesson| Some(&report.cost(lesson, call, 64)?.cpu);
            match (cpu(price.lesson), price.before.and_then(cpu)) {
                (Some(cpu), Some(before)) => change(cpu, before),
                (Some(cpu), None) => format!("{:.1} ±{:.1}", cpu.median(), cpu.farthest()),
                (None, _) => "–".to_owned(),
            }
        };
        let changes = [Call::Ping, Call::Read, Call::GrpcRead]
            .map(column)
            .join(" | ");
        let _ = writeln!(table, "| {} | {met} | {changes} |", price.lesson);
    }
    table
}

/// By how much it is more than before, in the unit of both.
fn change(figure: &Figure, before: &Figure) -> String {
    let more = figure.less(before);
    let median = (more.median() * 10.0).round() / 10.0 + 0.0; // which makes -0 a 0
    format!("{median:+.1} ±{:.1}", more.farthest())
}

fn safety(report: &Report) -> String {
    let mut table = String::from("| taken out |");
    for call in VARIED {
        let _ = write!(table, " {} | change |", call.title());
    }
    table += "\n|---|---:|---:|---:|---:|\n";
    for (position, variant) in report.safety.iter().enumerate() {
        let _ = write!(table, "| {} |", variant.without);
        for (cpu, whole) in variant.cpu.iter().zip(&report.safety[0].cpu) {
            let change = match position {
                0 => String::new(), // it is the whole one
                _ => change(cpu, whole),
            };
            let _ = write!(table, " {cpu} | {change} |");
        }
        table.push('\n');
    }
    table
}

fn processes(report: &Report) -> String {
    let built = report.lessons.iter().any(|price| price.build.is_some());
    let (head, line) = if built {
        (" clean build, s |", "---:|")
    } else {
        ("", "")
    };
    let mut table = format!(
        "| lesson | store | start, ms | memory idle, MiB | after the load, MiB \
         | creates/s on YAML | program, MB | crates |{head}\n\
         |---|---|---:|---:|---:|---:|---:|---:|{line}\n"
    );
    for price in &report.lessons {
        let (lesson, store, crates) = (price.lesson, price.store, price.crates);
        let figures = [&price.start, &price.idle, &price.loaded, &price.yaml];
        let figures = figures.map(Figure::to_string).join(" | ");
        let size = number(price.size);
        let build = price.build.map(|build| format!(" {} |", number(build)));
        let build = build.unwrap_or_default();
        let _ = writeln!(
            table,
            "| {lesson} | {store} | {figures} | {size} | {crates} |{build}"
        );
    }
    table
}

fn anchors(report: &Report) -> String {
    let mut table = String::from("| 64 connections | requests/s |\n|---|---:|\n");
    for (part, name) in [
        (Part::Redis, "redis-benchmark: `GET` of one user"),
        (Part::Select, "sysbench: `SELECT` of a row by key"),
        (Part::Update, "sysbench: `UPDATE` of a row by key"),
        (Part::Insert, "sysbench: `INSERT` of a row"),
    ] {
        if let Some(figure) = report.anchors.rates.get(&part) {
            let _ = writeln!(table, "| {name} | {figure} |");
        }
    }
    table
}

fn load(report: &Report) -> String {
    let mut table = CALLS.to_owned();
    for call in [Call::Read, Call::Ping] {
        if let Some(price) = report.newest() {
            let costs = price.by_connections(call);
            rows(&mut table, price.lesson, price.store, costs);
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::Figure;
    use super::STEPS;
    use super::change;
    use super::goals;
    use super::page;
    use super::processes;
    use super::safety;
    use super::steps;
    use crate::docs::sample;
    use anyhow::Context;
    use ladder::Ladder;

    #[test]
    fn the_page_has_all_tables() -> anyhow::Result<()> {
        let page = page(&sample::report()?);
        assert!(!page.contains('{'), "a mark is left");
        for text in [
            "| e-http | memory |",
            "| e-redis | MySQL, Redis |",
            "| nginx | none |",
            "| nginx, a proxy | nginx |",
        ] {
            assert!(page.contains(text), "{text}");
        }
        Ok(())
    }

    #[test]
    fn the_page_tells_what_another_hop_costs() -> anyhow::Result<()> {
        // In the sample nginx takes 22 µs as a proxy and 10 alone; in the last round, twice both.
        let page = page(&sample::report()?);
        assert!(page.contains("that takes 2.20 ±0 % times"), "{page}");
        Ok(())
    }

    #[test]
    fn a_build_has_a_column_if_it_was_measured() -> anyhow::Result<()> {
        let mut report = sample::report()?;
        let line = |report: &_| {
            let table = processes(report);
            let line = table.lines().find(|line| line.starts_with("| e-http"));
            line.map(str::to_owned)
        };
        let row = "| e-http | memory | 5.00 ±100 % | 5.50 ±100 % | 12.5 ±100 % | 500 ±100 % \
                   | 7.50 | 100 |";
        assert_eq!(line(&report), Some(format!("{row} 60.0 |")));
        report.lessons.iter_mut().for_each(|it| it.build = None);
        assert_eq!(line(&report).as_deref(), Some(row));
        assert!(!processes(&report).contains("build"));
        Ok(())
    }

    #[test]
    fn a_step_is_the_difference_of_each_round() -> anyhow::Result<()> {
        // In the sample each lesson takes 1 µs more than the last one, in the last round 2.
        let steps = steps(&sample::report()?);
        let line = steps.lines().find(|line| line.starts_with("| e-conf"));
        assert!(line.is_some_and(|line| line.ends_with("+1.0 ±1.0 | +1.0 ±1.0 | +1.0 ±1.0 |")));
        Ok(())
    }

    #[test]
    fn no_change_has_no_minus() {
        let (one, other) = (Figure::of(vec![9.96]), Figure::of(vec![10.0]));
        assert_eq!(change(&one, &other), "+0.0 ±0.0");
        assert_eq!(change(&other, &one), "+0.0 ±0.0");
    }

    #[test]
    fn safety_costs_what_it_saves_to_take_it_out() -> anyhow::Result<()> {
        // In the sample the log takes half a µs of ten, and twice that in the last round.
        let table = safety(&sample::report()?);
        let lines: Vec<&str> = table.lines().collect();
        let whole = "| nothing | 10.0 ±100 % |  | 20.0 ±100 % |  |";
        let log = "| the log | 9.50 ±100 % | -0.5 ±0.5 | 19.0 ±100 % | -1.0 ±1.0 |";
        assert_eq!(lines[2..], [whole, log]);
        Ok(())
    }

    #[test]
    fn what_is_not_measured_is_neither_met_nor_missed() -> anyhow::Result<()> {
        let mut report = sample::report()?;
        let whole = goals(&report);
        assert!(!whole.contains("not measured"), "{whole}");
        let met = whole.matches("met |").count() + whole.matches("missed").count();
        assert_eq!(met, 12);
        report.lessons.clear();
        assert_eq!(goals(&report).matches("not measured").count(), 12);
        Ok(())
    }

    #[test]
    fn a_ratio_is_of_the_right_figures() -> anyhow::Result<()> {
        // In the sample e-http's ping takes 14 µs of CPU time at 64 connections, nginx 10; in
        // the last round both take twice as long.
        let goals = goals(&sample::report()?);
        let right = "\n| ping, e-http, 64 connections: CPU time / nginx's \
                     | ≤ 1.7 | 1.40 ±0 % | met |\n";
        assert!(goals.contains(right), "{goals}");
        Ok(())
    }

    #[test]
    fn the_unsteadiest_part_tells_of_a_busy_machine() -> anyhow::Result<()> {
        let mut report = sample::report()?;
        // In the sample the machine becomes slower, but not while a load goes on.
        assert_eq!(report.unsteadiness(), 0.0);
        let costs = report.lessons.iter_mut().flat_map(|it| &mut it.costs);
        let compared = costs.filter_map(|cost| cost.alone.as_mut()).last();
        let alone = compared.context("the sample compares nothing")?;
        alone.before = Figure::of(vec![100.0, 120.0, 300.0]);
        alone.after = Figure::of(vec![100.0, 80.0, 100.0]);
        assert_eq!(report.unsteadiness(), 0.4);
        Ok(())
    }

    #[test]
    fn a_lesson_without_a_note_is_told_by_its_concern() -> anyhow::Result<()> {
        let mut report = sample::report()?;
        let price = report.lessons.last_mut().context("no lesson")?;
        (price.lesson, price.concern) = ("e-new", "novelty");
        assert!(steps(&report).contains("| e-new | novelty |"));
        let ladder = Ladder::here()?;
        assert!(STEPS.iter().all(|(lesson, _)| ladder.get(lesson).is_some()));
        Ok(())
    }
}
