//! The little of `strftime` that chat templates use, in UTC.

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// `format` with `%Y %m %d %B %b %H %M %S %%` filled in; anything else stays as it is.
pub(super) fn format(now_s: u64, format: &str) -> String {
    let (year, month, day) = civil(now_s / 86_400);
    let clock_s = now_s % 86_400;
    let name = MONTHS[month as usize - 1];
    let mut text = String::new();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            text.push(letter);
            continue;
        }
        match letters.next() {
            Some('Y') => text += &year.to_string(),
            Some('m') => text += &format!("{month:02}"),
            Some('d') => text += &format!("{day:02}"),
            Some('B') => text += name,
            Some('b') => text += &name[..3],
            Some('H') => text += &format!("{:02}", clock_s / 3_600),
            Some('M') => text += &format!("{:02}", clock_s / 60 % 60),
            Some('S') => text += &format!("{:02}", clock_s % 60),
            Some('%') => text.push('%'),
            Some(other) => text.extend(['%', other]),
            None => text.push('%'),
        }
    }
    text
}

/// Year, month 1–12 and day 1–31 of a day counted from 1970-01-01, by walking the calendar.
fn civil(mut day: u64) -> (u64, u64, u64) {
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    while day >= 365 + u64::from(leap(year)) {
        day -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 1;
    for length in lengths {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    (year, month, day + 1)
}

#[cfg(test)]
mod tests {
    use super::format;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(format(0, "%d %b %Y"), "01 Jan 1970");
        assert_eq!(format(951_782_400, "%Y-%m-%d"), "2000-02-29");
        assert_eq!(format(1_735_689_599, "%d %B %Y %H:%M:%S %%"), "31 December 2024 23:59:59 %");
        assert_eq!(format(0, "%q%"), "%q%");
    }
}
