//! A scene as SVG. Each glyph is defined once and used wherever it stands.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ttf_parser::OutlineBuilder;

use crate::font::Fonts;
use crate::scene::{Color, Scene, Shape, Text};

/// The text of an SVG file.
pub(crate) fn write(scene: &Scene, fonts: &Fonts) -> String {
    let mut body = String::new();
    let mut glyphs = BTreeMap::new();
    for shape in &scene.shapes {
        body.push_str(&element(shape, fonts, &mut glyphs));
    }
    let glyphs = glyphs.into_iter().map(|(id, path)| format!("<path id=\"{id}\" d=\"{path}\"/>\n"));
    let (width, height, title) = (number(scene.width), number(scene.height), escape(&scene.title));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\">\n<title>{title}</title>\n\
         <defs>\n{}</defs>\n{body}</svg>\n",
        glyphs.collect::<String>()
    )
}

fn element(shape: &Shape, fonts: &Fonts, glyphs: &mut BTreeMap<String, String>) -> String {
    match shape {
        Shape::Rectangle { x, y, width, height, color } => format!(
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\"/>\n",
            number(*x),
            number(*y),
            number(*width),
            number(*height),
            hex(*color)
        ),
        Shape::Line { from, to, width, color, dashed } => format!(
            "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke=\"{}\" stroke-width=\"{}\"{}/>\n",
            number(from.0),
            number(from.1),
            number(to.0),
            number(to.1),
            hex(*color),
            number(*width),
            if *dashed { " stroke-dasharray=\"4 3\"" } else { "" }
        ),
        Shape::Text(text) => line_of_text(text, fonts, glyphs),
    }
}

fn line_of_text(text: &Text, fonts: &Fonts, glyphs: &mut BTreeMap<String, String>) -> String {
    let (placed, width) = fonts.place(&text.text, text.bold);
    let scale = fonts.scale(text.bold, text.size);
    let mut uses = String::new();
    for glyph in placed {
        let id = format!("{}{}", if text.bold { 'b' } else { 'r' }, glyph.id.0);
        let path = glyphs.entry(id.clone()).or_insert_with(|| {
            let mut path = Path::default();
            fonts.outline(glyph.id, text.bold, &mut path);
            path.0
        });
        if !path.is_empty() {
            write!(uses, "<use href=\"#{id}\" x=\"{}\"/>", number(glyph.x))
                .expect("a string takes all");
        }
    }
    format!(
        "<g role=\"img\" aria-label=\"{}\" fill=\"{}\" transform=\"translate({} {}) scale({scale:.5} -{scale:.5})\">{uses}</g>\n",
        escape(&text.text),
        hex(text.color),
        number(text.x - width * scale * text.anchor.before()),
        number(text.y),
    )
}

/// The path data of one glyph.
#[derive(Default)]
struct Path(String);

impl Path {
    fn add(&mut self, command: char, numbers: &[f32]) {
        self.0.push(command);
        let numbers: Vec<String> = numbers.iter().map(|value| number(f64::from(*value))).collect();
        self.0.push_str(&numbers.join(" "));
    }
}

impl OutlineBuilder for Path {
    fn move_to(&mut self, x: f32, y: f32) {
        self.add('M', &[x, y]);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.add('L', &[x, y]);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.add('Q', &[x1, y1, x, y]);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.add('C', &[x1, y1, x2, y2, x, y]);
    }

    fn close(&mut self) {
        self.0.push('Z');
    }
}

/// A tenth of a pixel is enough.
fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

fn hex(Color(red, green, blue): Color) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::Anchor;

    #[test]
    fn text_is_outlines_and_each_glyph_is_defined_once() {
        let text = Text {
            text: "aa b".to_owned(),
            x: 10.0,
            y: 20.0,
            size: 12.0,
            bold: false,
            anchor: Anchor::Start,
            color: Color(0, 0, 0),
        };
        let scene = Scene { shapes: vec![Shape::Text(text)], ..Scene::default() };
        let svg = write(&scene, &Fonts::new().expect("the fonts are good"));
        assert!(!svg.contains("<text"), "{svg}");
        assert_eq!(svg.matches("<use ").count(), 3, "{svg}");
        assert!(svg.contains("aria-label=\"aa b\""), "{svg}");
        // The space is defined, and empty.
        assert_eq!(svg.matches("<path ").count(), 3, "{svg}");
    }

    #[test]
    fn what_is_special_in_xml_is_escaped() {
        assert_eq!(escape("a < \"b\" & c"), "a &lt; &quot;b&quot; &amp; c");
        assert_eq!([number(1.0), number(1.25), number(10.0)], ["1", "1.2", "10"]);
        assert_eq!(hex(Color(15, 118, 110)), "#0f766e");
    }
}
