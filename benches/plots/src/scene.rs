//! What a figure is made of, before it is SVG or PNG.

/// A drawing. Places are pixels from the upper left corner.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Scene {
    pub(crate) title: String,
    pub(crate) width: f64,
    pub(crate) height: f64,
    /// From back to front.
    pub(crate) shapes: Vec<Shape>,
}

/// One part of a drawing.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    /// A filled rectangle.
    Rectangle { x: f64, y: f64, width: f64, height: f64, color: Color },
    /// A straight line.
    Line { from: (f64, f64), to: (f64, f64), width: f64, color: Color, dashed: bool },
    /// One line of text.
    Text(Text),
}

/// One line of text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Text {
    pub(crate) text: String,
    /// Where it is anchored.
    pub(crate) x: f64,
    /// Its baseline.
    pub(crate) y: f64,
    /// The height of its font.
    pub(crate) size: f64,
    pub(crate) bold: bool,
    pub(crate) anchor: Anchor,
    pub(crate) color: Color,
}

/// Which part of a text stands at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    /// Its left end.
    Start,
    /// Its middle.
    Middle,
    /// Its right end.
    End,
}

/// Red, green, blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Color(pub(crate) u8, pub(crate) u8, pub(crate) u8);

impl Anchor {
    /// How much of the text's width lies to the left of its place.
    pub(crate) fn before(self) -> f64 {
        match self {
            Self::Start => 0.0,
            Self::Middle => 0.5,
            Self::End => 1.0,
        }
    }
}
