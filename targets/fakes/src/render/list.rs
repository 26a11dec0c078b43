//! What a list is asked for: filters, dates, pages.
//!
//! Given: the request's query and all there is. Gives: the page that was asked for; a name that the vendor's document does not
//! have for this list is refused, so that no filter is ignored in silence. Deliberately absent: what the items look like.

use serde_json::{Value, json};

use super::calendar::{Calendar, nanoseconds};
use super::fault::{Answer, Fault};
use super::ids::digest;
use crate::{Call, Moment, Reply};

/// Items of a page that does not say how many: <https://api-docs.render.com/reference/pagination>.
const DEFAULT_LIMIT: usize = 20;
/// Items of a page at most.
const MAX_LIMIT: usize = 100;

/// A request for a list.
pub(super) struct Asked<'a> {
    call: &'a Call,
}

impl<'a> Asked<'a> {
    /// `known`: the names that this list takes beside `cursor` and `limit`.
    ///
    /// # Errors
    /// 400 where the query has another.
    pub(super) fn new(call: &'a Call, known: &[&str]) -> Result<Self, Fault> {
        let strange = call
            .query
            .iter()
            .find(|(name, _)| name != "cursor" && name != "limit" && !known.contains(&name.as_str()));
        match strange {
            Some((name, _)) => Err(Fault::bad(format!("unknown query parameter: {name}"))),
            None => Ok(Self { call }),
        }
    }

    /// True where the filter is not set or has the value. Values are repeated or separated by commas: the vendor's document has
    /// the one, its clients the other.
    pub(super) fn admits(&self, name: &str, value: &str) -> bool {
        let mut values = self.call.asked_all(name).flat_map(|values| values.split(',')).peekable();
        values.peek().is_none() || values.any(|asked| asked == value)
    }

    /// True where the moment is within `<what>After` and `<what>Before`.
    ///
    /// # Errors
    /// 400 where one is no date.
    pub(super) fn within(
        &self,
        what: &str,
        moment: Option<Moment>,
        calendar: Calendar,
    ) -> Result<bool, Fault> {
        let bound = |end: &str| {
            self.call.asked(&format!("{what}{end}")).map(|date| calendar.moment(date)).transpose()
        };
        let (after, before) = (bound("After")?, bound("Before")?);
        let moment = moment.map(nanoseconds);
        Ok(after.is_none_or(|after| moment.is_some_and(|at| at > after))
            && before.is_none_or(|before| moment.is_some_and(|at| at < before)))
    }

    /// How many items a page has.
    ///
    /// # Errors
    /// 400 where it is not 1 to 100.
    pub(super) fn limit(&self) -> Result<usize, Fault> {
        let Some(asked) = self.call.asked("limit") else { return Ok(DEFAULT_LIMIT) };
        let read = asked.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
        read.ok_or_else(|| Fault::bad(format!("limit must be between 1 and {MAX_LIMIT}: {asked}")))
    }

    /// The page of all there is, each item with what tells it from the others.
    ///
    /// # Errors
    /// 400 for a limit or a cursor that is none.
    pub(super) fn page(&self, all: Vec<(String, Value)>) -> Result<Vec<(String, Value)>, Fault> {
        let start = match self.call.asked("cursor") {
            Some(cursor) => {
                1 + all
                    .iter()
                    .position(|(id, _)| digest(id) == cursor)
                    .ok_or_else(|| Fault::bad("invalid cursor"))?
            }
            None => 0,
        };
        let limit = self.limit()?;
        Ok(all.into_iter().skip(start).take(limit).collect())
    }

    /// The page as the platform answers: each item under its kind, beside its cursor.
    ///
    /// # Errors
    /// As [`Self::page`].
    pub(super) fn answer(&self, kind: &str, all: Vec<(String, Value)>) -> Answer {
        let page = self.page(all)?;
        Ok(Reply::json(200, &wrapped(kind, page)))
    }
}

/// Items, each under its kind beside its cursor.
pub(super) fn wrapped(kind: &str, items: Vec<(String, Value)>) -> Value {
    items.into_iter().map(|(id, item)| json!({ kind: item, "cursor": digest(&id) })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &[(&str, &str)]) -> Call {
        Call {
            query: query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            ..Call::default()
        }
    }

    fn ids(page: Result<Vec<(String, Value)>, Fault>) -> Result<Vec<String>, u16> {
        page.map(|items| items.into_iter().map(|(id, _)| id).collect()).map_err(|fault| fault.status)
    }

    #[test]
    fn pages_follow_one_another() {
        let all: Vec<_> = (0..45).map(|n| (format!("i{n}"), Value::Null)).collect();
        let page = |query: &[(&str, &str)]| {
            ids(Asked::new(&asked(query), &[]).and_then(|asked| asked.page(all.clone())))
        };
        assert_eq!(page(&[]).map(|page| page.len()), Ok(20));
        assert_eq!(page(&[("limit", "100")]).map(|page| page.len()), Ok(45));
        assert_eq!(
            page(&[("limit", "2"), ("cursor", &digest("i3"))]),
            Ok(vec!["i4".to_owned(), "i5".to_owned()])
        );
        assert_eq!(page(&[("cursor", &digest("i44"))]), Ok(Vec::new()));
        for wrong in [("limit", "0"), ("limit", "101"), ("limit", "many"), ("cursor", "none"), ("name", "x")]
        {
            assert_eq!(page(&[wrong]), Err(400), "{wrong:?}");
        }
    }

    #[test]
    fn filters_take_repeated_and_listed_values() {
        let call = asked(&[("name", "a"), ("name", "b,c")]);
        let asked = Asked::new(&call, &["name", "type"]).expect("known names");
        assert_eq!(["a", "b", "c", "d"].map(|name| asked.admits("name", name)), [true, true, true, false]);
        assert!(asked.admits("type", "anything"));
    }

    #[test]
    fn dates_bound() {
        let calendar = Calendar::new(Moment::from_secs(1_767_225_600));
        let call =
            asked(&[("createdAfter", "2026-01-01T00:00:10Z"), ("createdBefore", "2026-01-01T00:00:20Z")]);
        let asked = Asked::new(&call, &["createdAfter", "createdBefore"]).expect("known names");
        let within = |seconds| asked.within("created", Some(Moment::from_secs(seconds)), calendar);
        assert_eq!([10, 15, 20].map(within), [Ok(false), Ok(true), Ok(false)]);
        assert_eq!(asked.within("created", None, calendar), Ok(false));
        assert_eq!(asked.within("updated", None, calendar), Ok(true));
    }
}
