//! The figures as text: the same tables on the screen and in `docs/price.md`.

use super::call::Call;
use super::figure::Figure;
use super::figure::number;
use super::goals;
use super::measure::Cost;
use super::report::Price;
use super::report::Report;
use super::report::VARIED;
use super::report::Variant;
use std::fmt::Write;

/// What the page says around the tables. A mark in braces stands for a table.
const PAGE: &str = include_str!("page.md.in");

/// What a lesson has put in a request's way. Only what the code shows; what it costs, the
/// tables show.
const STEPS: [(&str, &str); 5] = [
    ("e-http", "a socket, HTTP, routes, limits, JSON, a lock"),
    (
        "e-grpc",
        "by HTTP nothing; by gRPC HTTP/2 and a protobuf message",
    ),
    ("e-conf", "nothing: settings are read at the start"),
    (
        "e-mysql",
        "a connection of the pool, a statement, shared by those who wait, and its answer",
    ),
    (
        "e-redis",
        "for a read one command to Redis instead of the statement; else nothing",
    ),
];

/// `docs/price.md`.
pub(crate) fn page(report: &Report) -> String {
    let tables = [
        ("{machine}", machine(report)),
        ("{goals}", goals::table(report)),
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
    tables.push(goals::table(report));
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
    for Price {
        lesson,
        store,
        costs,
        ..
    } in &report.lessons
    {
        for cost in costs {
            row(&mut table, &format!("{lesson} | {store}"), cost);
        }
    }
    for (subject, costs) in [
        ("nginx | none", &report.anchors.nginx),
        ("nginx, a proxy | nginx", &report.proxy),
    ] {
        for cost in costs.iter().filter(|cost| cost.rate.is_measured()) {
            row(&mut table, subject, cost);
        }
    }
    table
}

fn row(table: &mut String, subject: &str, cost: &Cost) {
    let Cost {
        call,
        connections,
        rate,
        cpu,
        p50,
        p99,
        ..
    } = cost;
    let call = call.title();
    let _ = writeln!(
        table,
        "| {subject} | {call} | {connections} | {rate} | {cpu} | {p50} | {p99} |"
    );
}

/// What another hop costs nginx, as a multiple.
fn proxy(report: &Report) -> String {
    let alone = report.proxy.iter().find(|cost| cost.connections == 1);
    let ratio = alone.and_then(Cost::ratio);
    ratio.map_or("–".to_owned(), |ratio| ratio.to_string())
}

fn steps(report: &Report) -> String {
    let mut table = String::from(
        "| lesson | what a request meets anew | ping | read | gRPC read |\n|---|---|---:|---:|---:|\n",
    );
    let mut last: Option<&Price> = None;
    for price in &report.lessons {
        let step = STEPS.iter().find(|(lesson, _)| *lesson == price.lesson);
        let met = step.map_or("", |(_, met)| met);
        let column = |call| {
            let cpu = |price: &Price| Some(price.cost(call, 64)?.cpu.clone());
            match (cpu(price), last.and_then(cpu)) {
                (Some(cpu), Some(before)) => change(&cpu, &before),
                (Some(cpu), None) => format!("{:.1} ±{:.1}", cpu.median(), cpu.farthest()),
                (None, _) => "–".to_owned(),
            }
        };
        let changes = [Call::Ping, Call::Read, Call::GrpcRead].map(column);
        let _ = writeln!(
            table,
            "| {} | {met} | {} |",
            price.lesson,
            changes.join(" | ")
        );
        last = Some(price);
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
    let Some(whole) = report.safety.first() else {
        return table;
    };
    for (position, Variant { without, cpu }) in report.safety.iter().enumerate() {
        let _ = write!(table, "| {without} |");
        for (cpu, whole) in cpu.iter().zip(&whole.cpu) {
            let change = match position {
                0 => String::new(),
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
    let mut table = String::from(
        "| lesson | store | start, ms | memory idle, MiB | after the load, MiB \
         | creates/s on YAML | program, MB | crates |",
    );
    table += if built { " clean build, s |\n" } else { "\n" };
    table += "|---|---|---:|---:|---:|---:|---:|---:|";
    table += if built { "---:|\n" } else { "\n" };
    for price in &report.lessons {
        let Price {
            lesson,
            store,
            start,
            idle,
            loaded,
            size,
            crates,
            build,
            yaml,
            ..
        } = price;
        let size = number(*size);
        let build = build.map_or(String::new(), |build| format!(" {} |", number(build)));
        let _ = writeln!(
            table,
            "| {lesson} | {store} | {start} | {idle} | {loaded} | {yaml} | {size} \
             | {crates} |{build}"
        );
    }
    table
}

fn anchors(report: &Report) -> String {
    let anchors = &report.anchors;
    let mut table = String::from("| 64 connections | requests/s |\n|---|---:|\n");
    for (name, figure) in [
        ("redis-benchmark: `GET` of one user", &anchors.redis),
        ("sysbench: `SELECT` of a row by key", &anchors.select),
        ("sysbench: `UPDATE` of a row by key", &anchors.update),
        ("sysbench: `INSERT` of a row", &anchors.insert),
    ] {
        if figure.is_measured() {
            let _ = writeln!(table, "| {name} | {figure} |");
        }
    }
    table
}

fn load(report: &Report) -> String {
    let mut table = CALLS.to_owned();
    if let Some(newest) = report.newest() {
        let subject = format!("{} | {}", newest.lesson, newest.store);
        for call in [Call::Read, Call::Ping] {
            for cost in newest.by_connections(call) {
                row(&mut table, &subject, cost);
            }
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::Figure;
    use super::change;
    use super::page;
    use super::processes;
    use super::safety;
    use super::steps;
    use crate::bench::sample;
    use crate::ladder::LESSONS;

    #[test]
    fn the_page_has_all_tables() {
        let page = page(&sample::report());
        assert!(!page.contains('{'), "a mark is left");
        for text in [
            "| e-http | memory |",
            "| e-redis | MySQL, Redis |",
            "| nginx | none |",
            "| nginx, a proxy | nginx |",
        ] {
            assert!(page.contains(text), "{text}");
        }
    }

    #[test]
    fn the_page_tells_what_another_hop_costs() {
        // In the sample nginx takes 22 µs as a proxy and 10 alone; in the last round, twice both.
        let page = page(&sample::report());
        assert!(page.contains("that takes 2.20 ±0 %\ntimes"), "{page}");
    }

    #[test]
    fn a_build_has_a_column_if_it_was_measured() {
        let mut report = sample::report();
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
    }

    #[test]
    fn a_step_is_the_difference_of_each_round() {
        // In the sample each lesson takes 1 µs more than the last one, in the last round 2.
        let steps = steps(&sample::report());
        let line = steps.lines().find(|line| line.starts_with("| e-conf"));
        assert!(line.is_some_and(|line| line.ends_with("+1.0 ±1.0 | +1.0 ±1.0 | +1.0 ±1.0 |")));
    }

    #[test]
    fn no_change_has_no_minus() {
        let (one, other) = (Figure::of(vec![9.96]), Figure::of(vec![10.0]));
        assert_eq!(change(&one, &other), "+0.0 ±0.0");
        assert_eq!(change(&other, &one), "+0.0 ±0.0");
    }

    #[test]
    fn safety_costs_what_it_saves_to_take_it_out() {
        // In the sample the log takes half a µs of ten, and twice that in the last round.
        let table = safety(&sample::report());
        let lines: Vec<&str> = table.lines().collect();
        let whole = "| nothing | 10.0 ±100 % |  | 20.0 ±100 % |  |";
        let log = "| the log | 9.50 ±100 % | -0.5 ±0.5 | 19.0 ±100 % | -1.0 ±1.0 |";
        assert_eq!(lines[2..], [whole, log]);
    }

    #[test]
    fn each_step_is_told() {
        for lesson in LESSONS.iter().filter(|lesson| lesson.has("e-http")) {
            let mut steps = super::STEPS.iter();
            assert!(
                steps.any(|(name, _)| *name == lesson.name),
                "{}",
                lesson.name
            );
        }
    }
}
