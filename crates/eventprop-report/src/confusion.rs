//! The confusion matrix, and the accuracies of classes and speakers.

use serde_json::Value as Json;

use crate::chart::{WIDTH, width_of};
use crate::figure::{Anchor, Figure, Ink, Point, Shape};
use crate::html::percent;
use crate::read::{RunRecord, class_name};

const SMALL: u32 = 11;
/// The row in which matrix and bars begin.
const TOP: f64 = 58.0;
/// Letters of a name that are shown beside a matrix or a bar; tips have them all.
const LETTERS: usize = 22;

/// Left end of matrix and bars: room for the longest name.
fn left<'a>(names: impl Iterator<Item = &'a str>) -> f64 {
    let widest = names.map(|name| width_of(&shown(name))).fold(0.0, f64::max);
    (widest + 10.0).max(50.0)
}

/// A name, cut off where it is long.
fn shown(name: &str) -> String {
    if name.chars().count() <= LETTERS {
        return name.to_owned();
    }
    let begin: String = name.chars().take(LETTERS - 1).collect();
    format!("{begin}…")
}

/// Counts of one part of the data.
#[derive(Debug, Clone, PartialEq)]
pub struct Confusion {
    /// The samples: `test` or `validation`.
    pub part: String,
    /// Names of the classes, or their numbers.
    pub names: Vec<String>,
    /// `[label][prediction]`, the last column for samples without output spike.
    pub counts: Vec<Vec<u64>>,
}

/// The matrix of the evaluation that counts: the test if there was one, otherwise that of the last
/// epoch.
pub fn of_run(run: &RunRecord) -> Option<Confusion> {
    let evaluated = &run.report_file["evaluated"];
    let new = |part: &str, counts: Vec<Vec<u64>>| Confusion {
        part: part.to_owned(),
        names: (0..counts.len() as u64)
            .map(|class| class_name(&run.report_file["class_names"], class))
            .collect(),
        counts,
    };
    if let Some(counts) = matrix(&evaluated["confusion"]) {
        let part = evaluated["part"].as_str();
        return Some(new(part.unwrap_or("evaluation"), counts));
    }
    // A cross-validation: the folds together hold every sample once.
    let folds = run.folds();
    let last = folds.iter().filter_map(|fold| {
        let of_fold = run.details.iter().rfind(|line| line.fold == *fold)?;
        matrix(&of_fold.json["evaluation"]["confusion"])
    });
    let counts = last.reduce(sum)?;
    let part = if folds.len() > 1 {
        "all held-out"
    } else {
        "validation"
    };
    Some(new(part, counts))
}

fn sum(mut one: Vec<Vec<u64>>, other: Vec<Vec<u64>>) -> Vec<Vec<u64>> {
    for (row, other) in one.iter_mut().zip(other) {
        for (count, more) in row.iter_mut().zip(other) {
            *count += more;
        }
    }
    one
}

fn matrix(json: &Json) -> Option<Vec<Vec<u64>>> {
    let row =
        |row: &Json| -> Option<Vec<u64>> { row.as_array()?.iter().map(Json::as_u64).collect() };
    let rows: Vec<Vec<u64>> = json.as_array()?.iter().map(row).collect::<Option<_>>()?;
    let whole = !rows.is_empty() && rows.iter().all(|row| row.len() == rows.len() + 1);
    whole.then_some(rows)
}

impl Confusion {
    fn classes(&self) -> usize {
        self.counts.len()
    }

    /// Samples and right ones of a class.
    fn class(&self, class: usize) -> (u64, u64) {
        let row = &self.counts[class];
        (row.iter().sum(), row[class])
    }

    /// Columns of the matrix: the classes, and samples without output spike if there are such.
    fn columns(&self) -> usize {
        let undecided = self.counts.iter().any(|row| row[self.classes()] > 0);
        self.classes() + usize::from(undecided)
    }

    /// The matrix: rows are classes, columns what they were taken for, colours shares of the row.
    pub fn figure(&self) -> Figure {
        let columns = self.columns();
        let [beside, below] = self.labels();
        let left = left(beside.iter().map(String::as_str));
        let side = self.side(left);
        let height = TOP + side * self.classes() as f64 + 22.0;
        let title = format!("Confusion matrix, {} samples", self.part);
        let mut figure = Figure::new("confusion", &title, (WIDTH, height));
        head(
            &mut figure,
            &title,
            "row: class; column: what the network saw; colour: fraction of the row",
        );
        for row in 0..self.classes() {
            for column in 0..columns {
                let at = (left + column as f64 * side, TOP + row as f64 * side);
                self.cell(
                    &mut figure,
                    Cell {
                        row,
                        column,
                        at,
                        side,
                    },
                );
            }
        }
        let every = self.classes().div_ceil(20);
        for class in (0..self.classes()).step_by(every) {
            let middle = (class as f64 + 0.5) * side;
            let style = (SMALL, Anchor::End, Ink::Muted);
            figure.text(
                (left - 6.0, TOP + middle + 4.0),
                &shown(&beside[class]),
                style,
            );
            let style = (SMALL, Anchor::Middle, Ink::Muted);
            figure.text((left + middle, height - 8.0), &below[class], style);
        }
        if columns > self.classes() {
            let middle = left + (columns as f64 - 0.5) * side;
            figure.text(
                (middle, height - 8.0),
                "none",
                (SMALL, Anchor::Middle, Ink::Muted),
            );
        }
        figure
    }

    /// Side of a cell of a matrix that begins at `left`.
    fn side(&self, left: f64) -> f64 {
        ((WIDTH - left - 4.0) / self.columns() as f64).min(64.0)
    }

    /// Labels beside the rows and below the columns: names or, where they have no room below the columns, numbers
    /// there and both beside the rows.
    fn labels(&self) -> [Vec<String>; 2] {
        let names = || self.names.iter().map(String::as_str);
        let room = self.side(left(names())) - 4.0;
        if names().all(|name| width_of(name) <= room) {
            return [self.names.clone(), self.names.clone()];
        }
        let numbers: Vec<String> = (0..self.classes()).map(|class| class.to_string()).collect();
        let both = |(number, name): (&String, &String)| {
            if number == name {
                name.clone()
            } else {
                format!("{number} {name}")
            }
        };
        let rows = numbers.iter().zip(&self.names).map(both).collect();
        [rows, numbers]
    }

    fn cell(&self, figure: &mut Figure, cell: Cell) {
        let Cell {
            row,
            column,
            at,
            side,
        } = cell;
        let (total, _) = self.class(row);
        let count = self.counts[row][column];
        let share = count as f64 / total.max(1) as f64;
        let seen = if column < self.classes() {
            format!("was taken for {}", self.names[column])
        } else {
            "gave no output spike".to_owned()
        };
        // The square root shows the few mistakes beside the many correct predictions.
        let level = (share.sqrt() * 9.0).ceil() as usize;
        figure.add(Shape::Rect {
            at,
            size: (side - 1.0, side - 1.0),
            ink: Ink::Ramp(level),
            tip: format!(
                "class {} {seen}: {count} of {total} ({})",
                self.names[row],
                percent(share)
            ),
        });
        if count > 0 && side >= 26.0 {
            let ink = if level >= 5 { Ink::OnRamp } else { Ink::Text };
            let at = (at.0 + side / 2.0 - 0.5, at.1 + side / 2.0 + 3.5);
            figure.text(at, &count.to_string(), (SMALL, Anchor::Middle, ink));
        }
    }

    /// A bar for every class.
    pub fn class_figure(&self) -> Figure {
        let bars: Vec<Bar> = (0..self.classes())
            .map(|class| {
                let (samples, right) = self.class(class);
                Bar {
                    name: self.names[class].clone(),
                    samples,
                    right,
                }
            })
            .collect();
        let title = format!("Accuracy of every class, {} samples", self.part);
        bars_figure("classes", &title, "class", &bars)
    }

    /// The mistakes that were made most often, as a sentence.
    pub fn worst(&self) -> String {
        let classes = self.classes();
        let pairs = (0..classes).flat_map(|row| (0..classes).map(move |column| (row, column)));
        let mut mistakes: Vec<(u64, usize, usize)> = pairs
            .filter(|(row, column)| row != column && self.counts[*row][*column] > 0)
            .map(|(row, column)| (self.counts[row][column], row, column))
            .collect();
        mistakes.sort_by(|a, b| b.0.cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        let of = |(count, row, column): &(u64, usize, usize)| {
            let [row, column] = [row, column].map(|class| &self.names[*class]);
            format!("{row} taken for {column} ({count} times)")
        };
        let named: Vec<String> = mistakes.iter().take(3).map(of).collect();
        if named.is_empty() {
            "No sample was taken for another class.".to_owned()
        } else {
            format!("Most frequent mistakes: {}.", named.join(", "))
        }
    }
}

/// A cell of the matrix and where it is drawn.
#[derive(Clone, Copy)]
struct Cell {
    row: usize,
    column: usize,
    at: Point,
    side: f64,
}

/// A bar for every speaker; none when nobody speaks.
pub fn speakers(run: &RunRecord) -> Option<Figure> {
    let evaluated = &run.report_file["evaluated"];
    let bar = |json: &Json| {
        Some(Bar {
            name: json["speaker"].as_u64()?.to_string(),
            samples: json["samples"].as_u64()?,
            right: json["right"].as_u64()?,
        })
    };
    let bars: Vec<Bar> = evaluated["speakers"]
        .as_array()?
        .iter()
        .filter_map(bar)
        .collect();
    if bars.is_empty() {
        return None;
    }
    let part = evaluated["part"].as_str().unwrap_or("evaluation");
    let title = format!("Accuracy of every speaker, {part} samples");
    Some(bars_figure("speakers", &title, "speaker", &bars))
}

struct Bar {
    name: String,
    samples: u64,
    right: u64,
}

/// Bars to the right, longest label first; the axis begins at 0, so that lengths can be compared.
fn bars_figure(name: &str, title: &str, what: &str, bars: &[Bar]) -> Figure {
    const ROW: f64 = 22.0;
    const ROOM: f64 = 118.0;
    let height = TOP + ROW * bars.len() as f64;
    let mut figure = Figure::new(name, title, (WIDTH, height));
    head(
        &mut figure,
        title,
        &format!("{what}, correct predictions (%) and number of samples"),
    );
    let left = left(bars.iter().map(|bar| bar.name.as_str()));
    let whole = WIDTH - left - ROOM;
    for (index, bar) in bars.iter().enumerate() {
        let share = bar.right as f64 / bar.samples.max(1) as f64;
        let y = TOP + ROW * index as f64;
        let style = (SMALL, Anchor::End, Ink::Muted);
        figure.text((left - 6.0, y + 12.0), &shown(&bar.name), style);
        let back = Shape::Cells {
            cells: vec![((left, y), (whole, ROW - 5.0))],
            ink: Ink::Ramp(0),
        };
        figure.add(back);
        figure.add(Shape::Rect {
            at: (left, y),
            size: (whole * share, ROW - 5.0),
            ink: Ink::Series(0),
            tip: format!(
                "{what} {}: {} of {} correct",
                bar.name, bar.right, bar.samples
            ),
        });
        let text = if bar.samples == 0 {
            "no samples".to_owned()
        } else {
            format!("{:.1} % of {}", 100.0 * share, bar.samples)
        };
        figure.text(
            (left + whole + 8.0, y + 12.0),
            &text,
            (SMALL, Anchor::Start, Ink::Text),
        );
    }
    figure
}

fn head(figure: &mut Figure, title: &str, below: &str) {
    figure.title(title);
    figure.text((0.0, 30.0), below, (SMALL, Anchor::Start, Ink::Muted));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn confusion(names: [&str; 2]) -> Confusion {
        let counts = matrix(&json!([[8, 2, 0], [0, 9, 1]])).expect("a matrix");
        Confusion {
            part: "test".to_owned(),
            names: names.map(str::to_owned).to_vec(),
            counts,
        }
    }

    #[test]
    fn a_matrix_is_whole_or_none() {
        assert_eq!(matrix(&json!([[1, 2], [3, 4]])), None);
        assert_eq!(matrix(&Json::Null), None);
        assert_eq!(sum(vec![vec![1, 2]], vec![vec![3, 4]]), [[4, 6]]);
    }

    #[test]
    fn cells_and_bars_say_their_counts() {
        let confusion = confusion(["0", "1"]);
        let svg = confusion.figure().inline_svg();
        assert!(
            svg.contains("class 0 was taken for 1: 2 of 10 (20.00 %)"),
            "{svg}"
        );
        assert!(
            svg.contains("class 1 gave no output spike: 1 of 10"),
            "{svg}"
        );
        let bars = confusion.class_figure().inline_svg();
        assert!(bars.contains("80.0 % of 10") && bars.contains("90.0 % of 10"));
        assert_eq!(
            confusion.worst(),
            "Most frequent mistakes: 0 taken for 1 (2 times)."
        );
    }

    /// Names that have no room below a column stand beside the rows alone, with the numbers of the columns.
    #[test]
    fn names_stand_where_they_have_room() {
        let short = confusion(["yin", "yang"]);
        assert_eq!(short.labels()[0], ["yin", "yang"]);
        let svg = short.figure().inline_svg();
        assert!(
            svg.contains("class yin was taken for yang: 2 of 10"),
            "{svg}"
        );
        assert_eq!(svg.matches(">yang</text>").count(), 2, "{svg}");

        let long = confusion(["hand clap", "a very long name of a <gesture>"]);
        assert_eq!(long.labels()[0][0], "0 hand clap");
        let svg = long.figure().inline_svg();
        assert!(
            svg.contains(">1</text>") && svg.contains("1 a very long name of…"),
            "{svg}"
        );
        assert!(svg.contains("&lt;gesture&gt;"), "{svg}");
        assert!(
            long.worst()
                .starts_with("Most frequent mistakes: hand clap taken for a very"),
            "{}",
            long.worst()
        );
    }
}
