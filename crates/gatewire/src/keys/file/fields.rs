//! The fields of a table, by type.

use std::num::NonZeroU64;

use gatewire_core::UnixTime;
use gatewire_core::permissions::Patterns;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::calendar;
use crate::keys::KeysFault;

/// Something is wrong, at a byte of the text.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) at: usize,
    pub(super) fault: KeysFault,
}

/// A table of which all fields are known.
pub(super) struct Fields<'a> {
    table: &'a DeTable<'a>,
}

/// What a field holds, and where.
pub(super) struct Field<T> {
    name: &'static str,
    at: usize,
    pub(super) value: T,
}

impl<T> Field<T> {
    pub(super) fn wrong(&self, fault: KeysFault) -> Wrong {
        Wrong { at: self.at, fault }
    }

    pub(super) fn expected(&self, what: &'static str) -> Wrong {
        self.wrong(KeysFault::Expected { field: self.name, what })
    }
}

impl<'a> Fields<'a> {
    pub(super) fn new(table: &'a DeTable<'a>, known: &[&str]) -> Result<Self, Wrong> {
        let unknown = table.keys().find(|name| !known.contains(&&**name.get_ref()));
        match unknown {
            Some(name) => Err(Wrong { at: name.span().start, fault: KeysFault::UnknownField }),
            None => Ok(Self { table }),
        }
    }

    /// The tables of a list of tables; none if there is no such list.
    pub(super) fn tables(
        &self,
        name: &'static str,
    ) -> Result<Vec<Spanned<&'a DeTable<'a>>>, Wrong> {
        let Some(list) = self.get(name) else { return Ok(Vec::new()) };
        let expected = || list.expected("a list of tables, [[key]]");
        let values = list.value.as_array().ok_or_else(expected)?;
        let table = |value: &'a Spanned<DeValue<'a>>| {
            value.get_ref().as_table().map(|table| Spanned::new(value.span(), table))
        };
        values.iter().map(|value| table(value).ok_or_else(expected)).collect()
    }

    pub(super) fn table(
        &self,
        name: &'static str,
        known: &[&str],
    ) -> Result<Option<Fields<'a>>, Wrong> {
        let table = self.read(name, "a table", DeValue::as_table)?;
        table.map(|table| Fields::new(table.value, known)).transpose()
    }

    pub(super) fn text(&self, name: &'static str) -> Result<Option<Field<&'a str>>, Wrong> {
        self.read(name, "a text", DeValue::as_str)
    }

    pub(super) fn flag(&self, name: &'static str) -> Result<Option<bool>, Wrong> {
        let flag = self.read(name, "true or false", DeValue::as_bool)?;
        Ok(flag.map(|flag| flag.value))
    }

    /// A whole number from 1 to `most`.
    pub(super) fn positive(
        &self,
        name: &'static str,
        most: u64,
    ) -> Result<Option<NonZeroU64>, Wrong> {
        let number = self.read(name, "a whole number above 0, and not too large", |value| {
            NonZeroU64::new(whole(value)?).filter(|number| number.get() <= most)
        })?;
        Ok(number.map(|number| number.value))
    }

    /// A point in time: a date with time and offset, or seconds since 1970.
    pub(super) fn time(&self, name: &'static str) -> Result<Option<Field<UnixTime>>, Wrong> {
        let what = "a date and time with an offset, as 2026-12-31T23:59:59Z, or seconds since 1970";
        self.read(name, what, |value| match value {
            DeValue::Datetime(time) => calendar::seconds(time).map(UnixTime::from_secs),
            _ => whole(value).map(UnixTime::from_secs),
        })
    }

    pub(super) fn texts(&self, name: &'static str) -> Result<Option<Vec<Field<&'a str>>>, Wrong> {
        let Some(list) = self.get(name) else { return Ok(None) };
        let values = list.value.as_array().ok_or_else(|| list.expected("a list of texts"))?;
        let text = |value: &'a Spanned<DeValue<'a>>| {
            let at = value.span().start;
            let text = value.get_ref().as_str();
            let expected = || Field { name, at, value: () }.expected("a list of texts");
            text.map(|value| Field { name, at, value }).ok_or_else(expected)
        };
        values.iter().map(text).collect::<Result<_, _>>().map(Some)
    }

    pub(super) fn patterns(&self, name: &'static str) -> Result<Option<Patterns>, Wrong> {
        let Some(texts) = self.texts(name)? else { return Ok(None) };
        let patterns = Patterns::new(texts.iter().map(|text| text.value));
        patterns.map(Some).map_err(|error| {
            let at = texts.get(error.index).map_or(0, |text| text.at);
            Wrong { at, fault: KeysFault::Pattern { field: name, error } }
        })
    }

    /// All, none, or what a list of patterns says.
    pub(super) fn choice(&self, name: &'static str) -> Result<Option<Patterns>, Wrong> {
        let Some(field) = self.get(name) else { return Ok(None) };
        match field.value {
            DeValue::Boolean(true) => Ok(Some(Patterns::all())),
            DeValue::Boolean(false) => Ok(Some(Patterns::none())),
            DeValue::Array(_) => self.patterns(name),
            _ => Err(field.expected("true, false or a list of patterns")),
        }
    }

    /// What is wrong with a field that is there.
    pub(super) fn expected(&self, name: &'static str, what: &'static str) -> Wrong {
        let at = self.get(name).map_or(0, |field| field.at);
        Field { name, at, value: () }.expected(what)
    }

    fn read<T>(
        &self,
        name: &'static str,
        what: &'static str,
        value: impl FnOnce(&'a DeValue<'a>) -> Option<T>,
    ) -> Result<Option<Field<T>>, Wrong> {
        let Some(field) = self.get(name) else { return Ok(None) };
        match value(field.value) {
            Some(value) => Ok(Some(Field { name, at: field.at, value })),
            None => Err(field.expected(what)),
        }
    }

    fn get(&self, name: &'static str) -> Option<Field<&'a DeValue<'a>>> {
        let value = self.table.get(name)?;
        Some(Field { name, at: value.span().start, value: value.get_ref() })
    }
}

fn whole(value: &DeValue<'_>) -> Option<u64> {
    let number = value.as_integer()?;
    u64::from_str_radix(number.as_str(), number.radix()).ok()
}
