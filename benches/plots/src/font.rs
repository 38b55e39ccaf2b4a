//! Text as outlines of glyphs.

use ttf_parser::{Face, GlyphId, OutlineBuilder};

/// The fonts of all figures.
pub(crate) struct Fonts {
    regular: Face<'static>,
    bold: Face<'static>,
}

/// A glyph and how far from the text's begin it stands, in units of the font.
pub(crate) struct Placed {
    pub(crate) id: GlyphId,
    pub(crate) x: f64,
}

impl Fonts {
    /// Reads the fonts that are compiled in.
    ///
    /// # Errors
    ///
    /// The crate that has them changed them for something else.
    pub(crate) fn new() -> Result<Self, ttf_parser::FaceParsingError> {
        Ok(Self {
            regular: Face::parse(notosans::REGULAR_TTF, 0)?,
            bold: Face::parse(notosans::BOLD_TTF, 0)?,
        })
    }

    /// The glyphs of a line of text, and its width in units of the font. Characters that the font
    /// lacks show as its box.
    pub(crate) fn place(&self, text: &str, bold: bool) -> (Vec<Placed>, f64) {
        let face = self.face(bold);
        let mut x = 0.0;
        let mut glyphs = Vec::new();
        for c in text.chars() {
            let id = face.glyph_index(c).unwrap_or(GlyphId(0));
            glyphs.push(Placed { id, x });
            x += f64::from(face.glyph_hor_advance(id).unwrap_or(0));
        }
        (glyphs, x)
    }

    /// The width of a line of text in pixels.
    pub(crate) fn width(&self, text: &str, bold: bool, size: f64) -> f64 {
        self.place(text, bold).1 * self.scale(bold, size)
    }

    /// Pixels of a unit of the font.
    pub(crate) fn scale(&self, bold: bool, size: f64) -> f64 {
        size / f64::from(self.face(bold).units_per_em())
    }

    /// Tells `builder` the outline of a glyph, in units of the font and upwards.
    pub(crate) fn outline(&self, id: GlyphId, bold: bool, builder: &mut dyn OutlineBuilder) {
        // A space has none.
        let _ = self.face(bold).outline_glyph(id, builder);
    }

    fn face(&self, bold: bool) -> &Face<'static> {
        if bold { &self.bold } else { &self.regular }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_as_wide_as_its_glyphs() {
        let fonts = Fonts::new().expect("the fonts are good");
        let width = |text| fonts.width(text, false, 12.0);
        assert!((width("gate") + width("wire") - width("gatewire")).abs() < 1e-9);
        assert!(fonts.width("W1", true, 12.0) > width("W1"));
        assert_eq!(width(""), 0.0);
    }

    #[test]
    fn all_characters_of_the_figures_are_there() {
        let fonts = Fonts::new().expect("the fonts are good");
        for c in "azAZ09.,:;-–·µ%/[]()×".chars() {
            assert!(fonts.face(false).glyph_index(c).is_some(), "{c}");
        }
    }
}
