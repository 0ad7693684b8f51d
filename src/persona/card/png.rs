//! The text chunk of a PNG that carries a character card. The picture itself is not decoded.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";
/// Text chunks by their keywords, the newer version first.
const KEYWORDS: [&[u8]; 2] = [b"ccv3", b"chara"];

#[derive(Debug, PartialEq, Eq, Error)]
pub(super) enum PngError {
    #[error("it is no PNG picture")]
    NoPng,
    #[error("the picture ends in the middle of a part; it was not saved completely")]
    Truncated,
    #[error("the picture carries no character card (text chunk `ccv3` or `chara`)")]
    NoCard,
    #[error("its character card is compressed, which card editors do not do; save it anew")]
    Compressed,
    #[error("its character card is not base64 of UTF-8 text")]
    Encoding,
}

/// The card's JSON out of a picture's bytes.
pub(super) fn card_json(picture: &[u8]) -> Result<String, PngError> {
    let mut rest = picture.strip_prefix(&SIGNATURE).ok_or(PngError::NoPng)?;
    let mut found: [Option<&[u8]>; KEYWORDS.len()] = [None; KEYWORDS.len()];
    while !rest.is_empty() {
        let chunk;
        (chunk, rest) = Chunk::split(rest).ok_or(PngError::Truncated)?;
        if chunk.kind == b"IEND" {
            break;
        }
        let Some((keyword, body)) = chunk.text()? else { continue };
        if let Some(place) = KEYWORDS.iter().position(|known| *known == keyword) {
            found[place].get_or_insert(body);
        }
    }
    let body = found.into_iter().flatten().next().ok_or(PngError::NoCard)?;
    let letters: Vec<u8> = body.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
    let json = STANDARD.decode(letters).map_err(|_| PngError::Encoding)?;
    String::from_utf8(json).map_err(|_| PngError::Encoding)
}

struct Chunk<'a> {
    kind: &'a [u8],
    data: &'a [u8],
}

/// Keyword and body of a text chunk.
type Text<'a> = (&'a [u8], &'a [u8]);

impl<'a> Chunk<'a> {
    /// Length, kind, data, checksum: the first chunk, and what follows it.
    fn split(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let (kind, rest) = rest.split_at_checked(4)?;
        let (data, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        let (_checksum, rest) = rest.split_at_checked(4)?;
        Some((Self { kind, data }, rest))
    }

    /// Keyword and body of a text chunk; none for any other chunk.
    fn text(&self) -> Result<Option<Text<'a>>, PngError> {
        let Some((keyword, rest)) = split_at_nul(self.data) else { return Ok(None) };
        let body = match self.kind {
            b"tEXt" => Some(rest),
            // Compression flag and method, language, translated keyword, text.
            b"iTXt" => match rest {
                [0, _, rest @ ..] => split_at_nul(rest)
                    .and_then(|(_language, rest)| split_at_nul(rest))
                    .map(|(_translated, text)| text),
                _ => return compressed(keyword),
            },
            b"zTXt" => return compressed(keyword),
            _ => None,
        };
        Ok(body.map(|body| (keyword, body)))
    }
}

/// Compressed text matters only where it would be a card.
fn compressed<T>(keyword: &[u8]) -> Result<Option<T>, PngError> {
    if KEYWORDS.contains(&keyword) { Err(PngError::Compressed) } else { Ok(None) }
}

fn split_at_nul(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let nul = bytes.iter().position(|&byte| byte == 0)?;
    Some((&bytes[..nul], &bytes[nul + 1..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len()).unwrap().to_be_bytes();
        [&length[..], kind, data, b"crc!"].concat()
    }

    fn picture(chunks: &[Vec<u8>]) -> Vec<u8> {
        let header = chunk(b"IHDR", &[0; 13]);
        [SIGNATURE.to_vec(), header, chunks.concat(), chunk(b"IEND", b"")].concat()
    }

    fn text(keyword: &str, json: &str) -> Vec<u8> {
        chunk(b"tEXt", format!("{keyword}\0{}", STANDARD.encode(json)).as_bytes())
    }

    #[test]
    fn the_newer_card_wins_wherever_it_stands() {
        let both = picture(&[text("chara", "old"), text("Comment", "x"), text("ccv3", "new")]);
        assert_eq!(card_json(&both).as_deref(), Ok("new"));
        assert_eq!(card_json(&picture(&[text("chara", "old")])).as_deref(), Ok("old"));
    }

    #[test]
    fn international_text_is_read_too() {
        let body = format!("chara\0\0\0en\0\0{}", STANDARD.encode("ä"));
        assert_eq!(card_json(&picture(&[chunk(b"iTXt", body.as_bytes())])).as_deref(), Ok("ä"));
    }

    #[test]
    fn every_mistake_has_its_name() {
        assert_eq!(card_json(b"GIF89a"), Err(PngError::NoPng));
        assert_eq!(card_json(&picture(&[])), Err(PngError::NoCard));
        let zipped = picture(&[chunk(b"zTXt", b"chara\0\0zzz")]);
        assert_eq!(card_json(&zipped), Err(PngError::Compressed));
        let foreign = picture(&[chunk(b"zTXt", b"Author\0\0zzz"), text("chara", "{}")]);
        assert_eq!(card_json(&foreign).as_deref(), Ok("{}"));
        let garbled = picture(&[chunk(b"tEXt", b"chara\0!!!")]);
        assert_eq!(card_json(&garbled), Err(PngError::Encoding));
        let mut huge_length = SIGNATURE.to_vec();
        huge_length.extend([0xff; 12]);
        assert_eq!(card_json(&huge_length), Err(PngError::Truncated));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(
            chunks in prop::collection::vec(
                (
                    prop::sample::select(vec![*b"tEXt", *b"iTXt", *b"zTXt", *b"IEND", *b"junk"]),
                    prop::collection::vec(prop::sample::select(b"\0chara3v=Z\xff".to_vec()), 0..40),
                ),
                0..6,
            ),
            cut in 0usize..200,
        ) {
            let chunks: Vec<_> = chunks.iter().map(|(kind, data)| chunk(kind, data)).collect();
            let mut bytes = picture(&chunks);
            bytes.truncate(bytes.len().saturating_sub(cut));
            let _ = card_json(&bytes);
        }
    }
}
