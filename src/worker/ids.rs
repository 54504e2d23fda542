//! Ids that route themselves: an id carries the ledger object's own id and an
//! entry's number, so it leads to its object without a look-up table. Whether
//! the caller may see it is the object's to check.

use super::base62;

/// An object's id as the platform writes it: 64 hexadecimal digits.
const OBJECT_ID_BYTES: usize = 32;
/// Its length in base62.
const OBJECT_ID_CHARS: usize = 44;

/// What an event's id begins with.
const EVENT_PREFIX: &str = "evt_";
/// The length of an entry's number of eight bytes in base62.
const SEQ_CHARS: usize = 11;
/// No id is longer, whatever it begins with.
const MOST_ID_CHARS: usize = 64;

/// What an id is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefix {
    /// A transaction, or a usage transaction (a hold).
    Transaction,
    /// A grant.
    Grant,
    /// A purchase that overage begins.
    Purchase,
}

impl Prefix {
    const fn text(self) -> &'static str {
        match self {
            Self::Transaction => "txn_",
            Self::Grant => "grant_",
            Self::Purchase => "pur_",
        }
    }
}

/// A ledger object, ready to name its entries.
#[derive(Clone, Debug)]
pub struct Naming {
    bytes: Vec<u8>,
    object: String,
}

impl Naming {
    /// From the object's id in hexadecimal; `None` if it is none.
    pub fn new(object_id: &str) -> Option<Self> {
        let bytes = from_hex(object_id)?;
        (bytes.len() == OBJECT_ID_BYTES).then(|| Self { object: base62::encode(&bytes), bytes })
    }

    /// The object's id.
    pub fn object(&self) -> &[u8] {
        &self.bytes
    }

    /// The public id of an entry.
    pub fn id(&self, prefix: Prefix, seq: u64) -> String {
        let mut id = String::with_capacity(MOST_ID_CHARS);
        id.push_str(prefix.text());
        id.push_str(&self.object);
        base62::push_number(&mut id, seq);
        id
    }

    /// The public id of what an entry has to tell; `kind` is one letter or
    /// digit. Ids of one ledger sort as its entries do.
    pub fn event_id(&self, seq: u64, kind: char) -> String {
        format!("{EVENT_PREFIX}{}{}{kind}", self.object, base62::encode(&seq.to_be_bytes()))
    }

    /// Whether this is the object with an id in hexadecimal.
    pub fn is_of(&self, object_id: &str) -> bool {
        from_hex(object_id).is_some_and(|bytes| bytes == self.bytes)
    }
}

/// The object's id in hexadecimal and the entry's number; `None` for a text
/// that is no such id.
pub fn locate(prefix: Prefix, id: &str) -> Option<(String, u64)> {
    let (object, seq) = id.strip_prefix(prefix.text())?.split_at_checked(OBJECT_ID_CHARS)?;
    let bytes = base62::decode(object).filter(|bytes| bytes.len() == OBJECT_ID_BYTES)?;
    Some((to_hex(&bytes), base62::decode_number(seq).filter(|seq| *seq > 0)?))
}

/// The id, in bytes, of the ledger object that an event came from; `None` for
/// a text that is no event's id.
pub fn ledger_of_event(id: &str) -> Option<Vec<u8>> {
    let (object, rest) = id.strip_prefix(EVENT_PREFIX)?.split_at_checked(OBJECT_ID_CHARS)?;
    let (seq, kind) = rest.split_at_checked(SEQ_CHARS)?;
    let is_whole = base62::decode(seq).is_some() && kind.len() == 1 && kind.is_ascii();
    base62::decode(object).filter(|bytes| is_whole && bytes.len() == OBJECT_ID_BYTES)
}

/// Bytes as hexadecimal digits.
pub fn to_hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        text.extend([byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0')));
    }
    text
}

/// The bytes of hexadecimal digits.
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    rest.is_empty().then_some(())?;
    pairs.iter().map(|[high, low]| Some((digit(*high)? << 4) | digit(*low)?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OBJECT: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    #[test]
    fn an_id_leads_back_to_its_object_and_entry() {
        let naming = Naming::new(OBJECT).unwrap();
        let id = naming.id(Prefix::Transaction, 1_000_000);
        assert!(id.starts_with("txn_"));
        assert_eq!(locate(Prefix::Transaction, &id), Some((OBJECT.to_owned(), 1_000_000)));
        assert!(naming.is_of(OBJECT) && !naming.is_of(&OBJECT.replace("00", "01")));
        assert_eq!(locate(Prefix::Grant, &id), None);
    }

    #[test]
    fn an_events_id_leads_to_its_ledger_and_sorts_by_entry() {
        let naming = Naming::new(OBJECT).unwrap();
        let ids = [naming.event_id(9, 'z'), naming.event_id(61, 'b'), naming.event_id(62, 'a')];
        assert!(ids.is_sorted() && ids.iter().all(|id| ledger_of_event(id) == from_hex(OBJECT)));
        for bad in ["", "evt_", "evt_x", "txn_00", ids[0].trim_end_matches('z'), &format!("{}-", ids[0])] {
            assert_eq!(ledger_of_event(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_no_id_leads_nowhere() {
        let id = Naming::new(OBJECT).unwrap().id(Prefix::Transaction, 7);
        for bad in
            ["", "txn_", "txn_x", id.trim_end_matches('7'), &id.replace("txn_", "txn-"), &format!("{id}-")]
        {
            assert_eq!(locate(Prefix::Transaction, bad), None, "{bad}");
        }
        assert!(Naming::new("00").is_none());
    }
}
