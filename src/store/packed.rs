//! Several secret texts in one sealed value: each with its length in front.

use zeroize::Zeroizing;

use crate::domain::secret::Secret;

/// The texts one after the other. The buffer never grows, so nothing of them stays behind in freed memory.
pub(super) fn pack(texts: &[&str]) -> Zeroizing<Vec<u8>> {
    let length: usize = texts.iter().map(|text| 4 + text.len()).sum();
    let mut bytes = Zeroizing::new(Vec::with_capacity(length));
    for text in texts {
        // Longer texts than 4 GiB do not get this far; a saturated length would be refused when read.
        bytes.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes
}

/// The texts, if the bytes hold exactly `N` of them.
pub(super) fn unpack<const N: usize>(mut bytes: &[u8]) -> Option<[Secret; N]> {
    let mut texts = Vec::with_capacity(N);
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let (text, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        texts.push(Secret::new(std::str::from_utf8(text).ok()?.to_owned()));
        bytes = rest;
    }
    texts.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_exactly_what_was_packed() {
        let packed = pack(&["code", "", "ü"]);
        let texts = unpack::<3>(&packed).unwrap();
        assert_eq!(texts.each_ref().map(Secret::expose), ["code", "", "ü"]);
        assert!(unpack::<2>(&packed).is_none());
        assert!(unpack::<4>(&packed).is_none());
        assert!(unpack::<3>(&packed[..packed.len() - 1]).is_none());
    }
}
