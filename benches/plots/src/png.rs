//! A scene as PNG, at twice its size: for pages that show no SVG.

use tiny_skia::{FillRule, Paint, PathBuilder, Pixmap, Rect, Stroke, StrokeDash, Transform};
use ttf_parser::OutlineBuilder;

use crate::font::Fonts;
use crate::scene::{Color, Scene, Shape, Text};

const SCALE: f32 = 2.0;

/// The bytes of a PNG file.
///
/// # Errors
///
/// The scene has no size, or one that is far too large.
pub(crate) fn write(scene: &Scene, fonts: &Fonts) -> Result<Vec<u8>, String> {
    let (width, height) = (pixels(scene.width), pixels(scene.height));
    let mut pixmap = Pixmap::new(width, height).ok_or("the figure has no size")?;
    for shape in &scene.shapes {
        draw(shape, fonts, &mut pixmap);
    }
    pixmap.encode_png().map_err(|error| error.to_string())
}

fn draw(shape: &Shape, fonts: &Fonts, pixmap: &mut Pixmap) {
    let whole = Transform::from_scale(SCALE, SCALE);
    match shape {
        Shape::Rectangle { x, y, width, height, color } => {
            let rectangle =
                Rect::from_xywh(single(*x), single(*y), single(*width), single(*height));
            if let Some(rectangle) = rectangle {
                pixmap.fill_rect(rectangle, &paint(*color), whole, None);
            }
        }
        Shape::Line { from, to, width, color, dashed } => {
            let mut path = PathBuilder::new();
            path.move_to(single(from.0), single(from.1));
            path.line_to(single(to.0), single(to.1));
            let dash = if *dashed { StrokeDash::new(vec![4.0, 3.0], 0.0) } else { None };
            let stroke = Stroke { width: single(*width), dash, ..Stroke::default() };
            if let Some(path) = path.finish() {
                pixmap.stroke_path(&path, &paint(*color), &stroke, whole, None);
            }
        }
        Shape::Text(text) => draw_text(text, fonts, pixmap),
    }
}

fn draw_text(text: &Text, fonts: &Fonts, pixmap: &mut Pixmap) {
    let (placed, width) = fonts.place(&text.text, text.bold);
    let scale = fonts.scale(text.bold, text.size);
    let begin = text.x - width * scale * text.anchor.before();
    for glyph in placed {
        let mut outline = Outline(PathBuilder::new());
        fonts.outline(glyph.id, text.bold, &mut outline);
        let place = Transform::from_row(
            single(scale),
            0.0,
            0.0,
            -single(scale),
            single(begin + glyph.x * scale),
            single(text.y),
        );
        let transform = place.post_scale(SCALE, SCALE);
        if let Some(path) = outline.0.finish() {
            pixmap.fill_path(&path, &paint(text.color), FillRule::Winding, transform, None);
        }
    }
}

/// The path of one glyph.
struct Outline(PathBuilder);

impl OutlineBuilder for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        self.0.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.0.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.0.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.0.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.0.close();
    }
}

fn paint(Color(red, green, blue): Color) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color_rgba8(red, green, blue, 255);
    paint
}

#[expect(clippy::cast_possible_truncation, reason = "a place in a picture needs no 16 digits")]
fn single(value: f64) -> f32 {
    value as f32
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the size of a picture is a small positive number"
)]
fn pixels(value: f64) -> u32 {
    (single(value) * SCALE).ceil() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_twice_the_size_of_its_scene() {
        let white = Color(255, 255, 255);
        let shapes =
            vec![Shape::Rectangle { x: 0.0, y: 0.0, width: 30.0, height: 20.0, color: white }];
        let scene = Scene { width: 30.0, height: 20.0, shapes, ..Scene::default() };
        let fonts = Fonts::new().expect("the fonts are good");
        let png = write(&scene, &fonts).expect("it has a size");
        let picture = Pixmap::decode_png(&png).expect("it is a PNG");
        assert_eq!((picture.width(), picture.height()), (60, 40));
        assert!(picture.pixels().iter().all(|pixel| pixel.red() == 255 && pixel.alpha() == 255));
        assert!(write(&Scene::default(), &fonts).is_err());
    }
}
