//! The layout of a figure: which panel stands where, and what is in it.

use crate::axis::{Axis, precise};
use crate::font::Fonts;
use crate::metric::{self, Better, Metric};
use crate::row::{Row, Spread};
use crate::scene::{Anchor, Color, Scene, Shape, Text};

/// The figure of one workload; `None`: there is nothing to be drawn.
pub(crate) fn figure(workload: &str, rows: &[&Row], fonts: &Fonts) -> Option<Scene> {
    let title = metric::title(workload)?;
    let cases = cases(rows);
    let panels: Vec<[Option<Panel<'_>>; 2]> = cases
        .iter()
        .map(|case| {
            metric::metrics(workload, &case[0].params).map(|metric| Panel::new(metric, case))
        })
        .collect();
    let mut figure = Figure { fonts, shapes: Vec::new() };
    let mut y = MARGIN + TITLE;
    figure.text(MARGIN, y, title, TITLE, true, INK);
    y += NOTE_GAP;
    figure.text(MARGIN, y, &note(rows), SMALL, false, FAINT);
    for (case, panels) in cases.iter().zip(&panels) {
        if panels.iter().all(Option::is_none) {
            continue;
        }
        y += CASE_GAP;
        figure.text(MARGIN, y, &metric::case(&case[0].params), CASE, true, INK);
        let mut bottom = y;
        for (panel, x) in panels.iter().zip([MARGIN, MARGIN + PANEL + GUTTER]) {
            if let Some(panel) = panel {
                bottom = bottom.max(figure.panel(panel, x, y));
            }
        }
        y = bottom;
    }
    let height = y + MARGIN;
    let paper = Shape::Rectangle { x: 0.0, y: 0.0, width: WIDTH, height, color: PAPER };
    figure.shapes.insert(0, paper);
    Some(Scene { title: title.to_owned(), width: WIDTH, height, shapes: figure.shapes })
}

/// The rows in groups of one case.
fn cases<'r>(rows: &[&'r Row]) -> Vec<Vec<&'r Row>> {
    let mut cases: Vec<Vec<&'r Row>> = Vec::new();
    for row in rows {
        match cases.last_mut() {
            Some(case) if case[0].params == row.params => case.push(row),
            _ => cases.push(vec![row]),
        }
    }
    cases
}

/// What the marks mean.
fn note(rows: &[&Row]) -> String {
    let rounds = rows.iter().map(|row| row.repeats).max().unwrap_or(0);
    format!(
        "bars: median of {rounds} rounds · whiskers: least and most · \
         dashed: raw TCP doing the same work, the limit"
    )
}

/// One quantity of one case.
struct Panel<'r> {
    metric: &'static Metric,
    axis: Axis,
    /// Each system that has it.
    bars: Vec<(&'r str, Spread)>,
}

impl<'r> Panel<'r> {
    /// `None`: no system has this quantity.
    fn new(metric: &'static Metric, case: &[&'r Row]) -> Option<Self> {
        let bars: Vec<_> = case
            .iter()
            .filter_map(|row| Some((row.peer.as_str(), *row.figures.get(metric.field)?)))
            .collect();
        let values = bars.iter().flat_map(|(_, spread)| [spread.median, spread.min, spread.max]);
        let axis = Axis::over(values)?;
        Some(Self { metric, axis, bars })
    }

    fn raw(&self) -> Option<f64> {
        let raw = self.bars.iter().find(|(peer, _)| *peer == RAW)?;
        Some(raw.1.median)
    }

    fn title(&self) -> String {
        let better = match self.metric.better {
            Better::More => "more is better",
            Better::Less => "less is better",
        };
        let scale = if self.axis.is_log() { ", logarithmic" } else { "" };
        format!("{} ({better}{scale})", self.metric.title)
    }
}

struct Figure<'f> {
    fonts: &'f Fonts,
    shapes: Vec<Shape>,
}

impl Figure<'_> {
    /// Draws a panel with its upper left corner at `x`, `y`; its lower end.
    fn panel(&mut self, panel: &Panel<'_>, x: f64, y: f64) -> f64 {
        let y = y + PANEL_TITLE_GAP;
        self.text(x, y, &panel.title(), SMALL, false, FAINT);
        let top = y + BARS_GAP;
        #[expect(clippy::cast_precision_loss, reason = "there are few systems")]
        let bottom = top + panel.bars.len() as f64 * BAR_STEP;
        let place = |value: f64| x + NAMES + panel.axis.place(value) * BARS;
        for (value, label) in panel.axis.ticks() {
            let at = place(value);
            self.line((at, top - 3.0), (at, bottom), 1.0, GRID, false);
            self.label(at, bottom + 13.0, &label, Anchor::Middle, FAINT, false);
        }
        #[expect(clippy::cast_precision_loss, reason = "there are few systems")]
        let middle = |index: usize| top + (index as f64 + 0.5) * BAR_STEP;
        for (index, (peer, spread)) in panel.bars.iter().enumerate() {
            self.bar(peer, spread, (x, middle(index)), &place);
        }
        if let Some(raw) = panel.raw() {
            self.line((place(raw), top - 3.0), (place(raw), bottom), 1.2, INK, true);
        }
        // Last, so that no line crosses the digits.
        for (index, (peer, spread)) in panel.bars.iter().enumerate() {
            let end = place(spread.median.max(spread.max));
            self.value(spread.median, *peer == OWN, (end, middle(index)));
        }
        bottom + AXIS
    }

    /// A system's name, bar and whisker.
    fn bar(&mut self, peer: &str, spread: &Spread, (x, y): (f64, f64), place: &dyn Fn(f64) -> f64) {
        let color = match peer {
            RAW => LIMIT,
            OWN => ACCENT,
            _ => OTHER,
        };
        let begin = x + NAMES;
        self.label(begin - 8.0, y + 4.0, peer, Anchor::End, INK, peer == OWN);
        let width = place(spread.median) - begin;
        let (top, height) = (y - BAR / 2.0, BAR);
        self.shapes.push(Shape::Rectangle { x: begin, y: top, width, height, color });
        if spread.max > spread.min {
            let (least, most) = (place(spread.min), place(spread.max));
            self.line((least, y), (most, y), 1.2, WHISKER, false);
            for end in [least, most] {
                self.line((end, y - 4.0), (end, y + 4.0), 1.2, WHISKER, false);
            }
        }
    }

    /// A number to the right of a bar's end, on paper of its own.
    fn value(&mut self, value: f64, bold: bool, (x, y): (f64, f64)) {
        let text = precise(value);
        let width = self.fonts.width(&text, bold, SMALL) + 4.0;
        let (left, top) = (x + 5.0, y - 7.0);
        let paper = Shape::Rectangle { x: left, y: top, width, height: 14.0, color: PAPER };
        self.shapes.push(paper);
        self.label(left + 2.0, y + 4.0, &text, Anchor::Start, INK, bold);
    }

    fn text(&mut self, x: f64, y: f64, text: &str, size: f64, bold: bool, color: Color) {
        let text = text.to_owned();
        self.shapes.push(Shape::Text(Text {
            text,
            x,
            y,
            size,
            bold,
            anchor: Anchor::Start,
            color,
        }));
    }

    fn label(&mut self, x: f64, y: f64, text: &str, anchor: Anchor, color: Color, bold: bool) {
        let text = text.to_owned();
        self.shapes.push(Shape::Text(Text { text, x, y, size: SMALL, bold, anchor, color }));
    }

    fn line(&mut self, from: (f64, f64), to: (f64, f64), width: f64, color: Color, dashed: bool) {
        self.shapes.push(Shape::Line { from, to, width, color, dashed });
    }
}

const RAW: &str = "raw";
const OWN: &str = "gatewire";

const PAPER: Color = Color(255, 255, 255);
const INK: Color = Color(31, 41, 51);
const FAINT: Color = Color(97, 110, 124);
const GRID: Color = Color(228, 231, 235);
const WHISKER: Color = Color(50, 63, 75);
const LIMIT: Color = Color(154, 165, 177);
const ACCENT: Color = Color(15, 130, 121);
const OTHER: Color = Color(172, 196, 222);

// Pixels. The width is that of a page's text on a wide screen; names and values fit beside the bars.
const WIDTH: f64 = 2.0 * (MARGIN + PANEL) + GUTTER;
const MARGIN: f64 = 24.0;
const GUTTER: f64 = 28.0;
const PANEL: f64 = NAMES + BARS + VALUES;
const NAMES: f64 = 118.0;
const BARS: f64 = 284.0;
const VALUES: f64 = 58.0;
const BAR: f64 = 15.0;
const BAR_STEP: f64 = 22.0;
const TITLE: f64 = 20.0;
const CASE: f64 = 14.0;
const SMALL: f64 = 12.0;
const NOTE_GAP: f64 = 22.0;
const CASE_GAP: f64 = 34.0;
const PANEL_TITLE_GAP: f64 = 19.0;
const BARS_GAP: f64 = 10.0;
const AXIS: f64 = 18.0;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn row(peer: &str, size: u64, rate: f64) -> Row {
        let spread = Spread { median: rate, min: rate * 0.9, max: rate * 1.1 };
        Row {
            workload: "w1".to_owned(),
            peer: peer.to_owned(),
            params: BTreeMap::from([("size".to_owned(), size)]),
            repeats: 3,
            figures: BTreeMap::from([("rate".to_owned(), spread)]),
        }
    }

    fn texts(scene: &Scene) -> Vec<&str> {
        let mut texts = Vec::new();
        for shape in &scene.shapes {
            if let Shape::Text(text) = shape {
                texts.push(text.text.as_str());
            }
        }
        texts
    }

    #[test]
    fn each_case_is_a_panel_with_a_bar_for_each_system() {
        let rows = [row("raw", 16, 50e6), row("gatewire", 16, 20e6), row("raw", 128, 30e6)];
        let fonts = Fonts::new().expect("the fonts are good");
        let scene = figure("w1", &rows.iter().collect::<Vec<_>>(), &fonts).expect("it is known");
        let texts = texts(&scene);
        for expected in ["16 B", "128 B", "gatewire", "20.0M", "50.0M", "30.0M"] {
            assert!(texts.contains(&expected), "{expected}: {texts:?}");
        }
        let dashed = |shape: &&Shape| matches!(shape, Shape::Line { dashed: true, .. });
        assert_eq!(scene.shapes.iter().filter(dashed).count(), 2, "the limit of both cases");
    }

    #[test]
    fn all_of_a_figure_lies_on_its_paper() {
        let rows = [row("raw", 16, 50e6), row("socketioxide-text", 16, 1e3)];
        let fonts = Fonts::new().expect("the fonts are good");
        let scene = figure("w1", &rows.iter().collect::<Vec<_>>(), &fonts).expect("it is known");
        for shape in &scene.shapes {
            let (left, right, bottom) = match shape {
                Shape::Rectangle { x, y, width, height, .. } => (*x, x + width, y + height),
                Shape::Line { from, to, .. } => (from.0.min(to.0), from.0.max(to.0), to.1),
                Shape::Text(text) => {
                    let width = fonts.width(&text.text, text.bold, text.size);
                    let left = text.x - width * text.anchor.before();
                    (left, left + width, text.y)
                }
            };
            let inside = left >= 0.0 && right <= scene.width && bottom <= scene.height;
            assert!(inside, "{shape:?} leaves the paper");
        }
    }

    #[test]
    fn an_unknown_workload_has_no_figure() {
        let fonts = Fonts::new().expect("the fonts are good");
        assert!(figure("w9", &[], &fonts).is_none());
    }
}
