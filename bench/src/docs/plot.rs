//! The plots, as SVG: on a white ground of their own, so that they read on a dark page, too,
//! and with every axis from zero, so that a bar twice as long is twice as much.

use crate::figures::call::Call;
use crate::figures::figure::number;
use crate::figures::report::Cost;
use crate::figures::report::Report;
use anyhow::Context;
use anyhow::ensure;
use plotters::coord::Shift;
use plotters::prelude::*;
use std::ops::Range;

const WIDTH: u32 = 920;
const HEIGHT: u32 = 760;

/// How wide the place beside a chart is that says which colour is what.
const LEGEND: u32 = 140;

const FONT: &str = "sans-serif";

/// Okabe and Ito's colours, which the colour-blind can tell apart.
const COLOURS: [RGBColor; 5] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
];

/// How much of its place on the axis a group of bars takes.
const GROUP: f64 = 0.8;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A chart: what its axes are, and its lines or bars.
struct Chart {
    title: String,
    across: String,
    up: String,
    /// The names along the axis.
    names: Vec<String>,
    /// Lines, or else bars.
    lines: bool,
    /// Each with its name; a value is missing where it was not measured.
    series: Vec<(String, Vec<Option<f64>>)>,
    /// A value to compare with.
    level: Option<(String, f64)>,
}

/// Throughput and CPU time by lesson.
pub(crate) fn price(report: &Report) -> anyhow::Result<String> {
    let names = report.lessons.iter().map(|price| price.lesson.to_owned());
    let names: Vec<String> = names.collect();
    let chart = |title: &str, up: &str, figure: fn(&Cost) -> f64| {
        let values = |call| {
            let costs = report.lessons.iter().map(|price| price.cost(call, 64));
            costs.map(|cost| cost.map(figure)).collect()
        };
        let plain = |call: Call| call.title().replace('`', "");
        let series = Call::ALL.map(|call| (plain(call), values(call)));
        Chart {
            title: title.to_owned(),
            across: "lesson".to_owned(),
            up: up.to_owned(),
            names: names.clone(),
            lines: false,
            series: series.into(),
            level: None,
        }
    };
    let throughput = chart("Throughput, 64 connections", "requests/s", |cost| {
        cost.rate.median()
    });
    let title = "CPU time of the service, 64 connections";
    let mut cpu = chart(title, "µs for a request", |cost| cost.cpu.median());
    let mut nginx = report.anchors.nginx.iter();
    let nginx = nginx.find(|cost| cost.connections == 64);
    cpu.level = nginx.map(|cost| ("nginx".to_owned(), cost.cpu.median()));
    draw(&throughput, &cpu)
}

/// Throughput and the slowest answers, by the number of connections.
pub(crate) fn load(report: &Report) -> anyhow::Result<String> {
    let newest = report.newest().context("there is nothing to draw")?;
    let reads = newest.by_connections(Call::Read);
    let pings = newest.by_connections(Call::Ping);
    let names = reads.iter().map(|cost| cost.connections.to_string());
    let names: Vec<String> = names.collect();
    let chart = |title: &str, up: &str, figure: fn(&Cost) -> f64| {
        let values = |costs: &[&Cost]| costs.iter().map(|cost| Some(figure(cost))).collect();
        Chart {
            title: format!("{title}, {}", newest.lesson),
            across: "connections, a request in flight on each".to_owned(),
            up: up.to_owned(),
            names: names.clone(),
            lines: true,
            series: vec![
                ("cached read".to_owned(), values(&reads)),
                ("ping".to_owned(), values(&pings)),
            ],
            level: None,
        }
    };
    let throughput = chart("Throughput", "requests/s", |cost| cost.rate.median());
    let slowest = chart("99 of 100 answers come within", "ms", |cost| {
        cost.p99.median() / 1e3
    });
    draw(&throughput, &slowest)
}

/// One above the other.
fn draw(upper: &Chart, lower: &Chart) -> anyhow::Result<String> {
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, (WIDTH, HEIGHT)).into_drawing_area();
    area.fill(&WHITE)?;
    let halves = area.split_vertically(HEIGHT / 2);
    plot(&halves.0, upper)?;
    plot(&halves.1, lower)?;
    area.present()?;
    drop((area, halves));
    svg.push('\n');
    Ok(svg)
}

impl Chart {
    /// Both axes: a place for each name, and from zero to a little over the highest value.
    fn axes(&self) -> anyhow::Result<(Range<f64>, Range<f64>)> {
        let values = self.series.iter().flat_map(|(_, values)| values).flatten();
        let level = self.level.iter().map(|(_, level)| level);
        let highest = values.chain(level).copied().fold(0.0, f64::max);
        ensure!(highest > 0.0, "there is nothing to draw");
        Ok((-0.5..self.names.len() as f64 - 0.5, 0.0..highest * 1.15))
    }
}

/// Draws the axes, the lines or bars, the level to compare with, and which colour is what.
fn plot(area: &Area<'_>, chart: &Chart) -> anyhow::Result<()> {
    let (across, up) = chart.axes()?;
    let (area, beside) = area.split_horizontally(WIDTH - LEGEND);
    let mut plot = ChartBuilder::on(&area)
        .caption(&chart.title, (FONT, 18))
        .margin(12)
        .x_label_area_size(48)
        .y_label_area_size(78)
        .build_cartesian_2d(across.clone(), up)?;
    plot.configure_mesh()
        .disable_x_mesh()
        .light_line_style(WHITE)
        .x_labels(2 * chart.names.len())
        .x_label_formatter(&|place| name(&chart.names, *place))
        .y_label_formatter(&|value| tick(*value))
        .x_desc(&chart.across)
        .y_desc(&chart.up)
        .label_style((FONT, 13))
        .axis_desc_style((FONT, 14))
        .draw()?;
    let width = GROUP / chart.series.len() as f64;
    for (position, (_, values)) in chart.series.iter().enumerate() {
        let colour = COLOURS[position % COLOURS.len()];
        let values = values.iter().enumerate();
        let points = values.filter_map(|(place, value)| Some((place as f64, (*value)?)));
        if chart.lines {
            let line = LineSeries::new(points, colour.stroke_width(2)).point_size(3);
            plot.draw_series(line)?;
        } else {
            plot.draw_series(points.map(|(place, value)| {
                let left = place - GROUP / 2.0 + width * position as f64;
                Rectangle::new([(left, 0.0), (left + width, value)], colour.filled())
            }))?;
        }
    }
    if let Some((_, level)) = &chart.level {
        let line = [(across.start, *level), (across.end, *level)];
        plot.draw_series(DashedLineSeries::new(line, 6, 4, BLACK.stroke_width(1)))?;
    }
    legend(&beside, chart)
}

/// Tells which colour is what.
fn legend(area: &Area<'_>, chart: &Chart) -> anyhow::Result<()> {
    let series = chart.series.iter().map(|(name, _)| name);
    let series = series.zip(COLOURS).map(|(name, colour)| (name, colour, 10));
    let level = chart.level.iter().map(|(name, _)| (name, BLACK, 2));
    for ((name, colour, height), line) in series.chain(level).zip(0..) {
        let middle = 50 + 22 * line;
        let corners = [(0, middle - height / 2), (14, middle + height / 2)];
        area.draw(&Rectangle::new(corners, colour.filled()))?;
        let style = (FONT, 14).into_font().color(&BLACK);
        area.draw(&Text::new(name.as_str(), (20, middle - 6), style))?;
    }
    Ok(())
}

/// The name at this place of the axis, if there is one.
fn name(names: &[String], place: f64) -> String {
    let whole = place.round();
    let named = (place - whole).abs() < 0.01 && whole >= 0.0;
    let name = names.get(whole as usize).filter(|_| named);
    name.cloned().unwrap_or_default()
}

/// A value on an axis: `2,000`, `0.5`.
fn tick(value: f64) -> String {
    let text = number(value);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::load;
    use super::price;
    use super::tick;
    use crate::docs::sample;
    use ladder::Ladder;

    #[test]
    fn the_plots_name_what_they_show() -> anyhow::Result<()> {
        let report = sample::report()?;
        let price = price(&report)?;
        let lessons = report.lessons.iter().map(|price| price.lesson);
        for text in lessons.chain(["requests/s", "µs for a request", "nginx"]) {
            assert!(price.contains(text), "{text}");
        }
        let load = load(&report)?;
        let title = format!("Throughput, {}", Ladder::here()?.newest()?.name);
        for text in [&title, "512", "ms", "cached read"] {
            assert!(load.contains(text), "{text}");
        }
        Ok(())
    }

    #[test]
    fn an_axis_has_no_more_digits_than_it_needs() {
        for (value, text) in [(0.0, "0"), (0.5, "0.5"), (20.0, "20"), (2000.0, "2,000")] {
            assert_eq!(tick(value), text);
        }
    }

    #[test]
    fn there_is_no_plot_of_nothing() -> anyhow::Result<()> {
        let mut report = sample::report()?;
        report.lessons.clear();
        report.anchors.nginx.clear();
        assert!(price(&report).is_err());
        assert!(load(&report).is_err());
        Ok(())
    }
}
