//! All pairs: rows in which every two values of two dimensions meet at least once.
//!
//! In: how many values each dimension has. Out: rows of values, always the same. Greedy: each row begins with a pair that
//! has not met, and takes of every other dimension the value that meets most of the row for the first time.

/// Rows that cover all pairs of these dimensions.
pub fn rows(sizes: &[usize]) -> Vec<Vec<usize>> {
    let count = sizes.len();
    let mut met: Vec<Vec<Vec<bool>>> = (0..count)
        .map(|a| (0..count).map(|b| if a < b { vec![false; sizes[a] * sizes[b]] } else { Vec::new() }).collect())
        .collect();
    let mut used: Vec<Vec<usize>> = sizes.iter().map(|size| vec![0; *size]).collect();
    let mut order: Vec<(usize, usize)> = (0..count).flat_map(|a| (a + 1..count).map(move |b| (a, b))).collect();
    order.sort_by_key(|(a, b)| std::cmp::Reverse(sizes[*a] * sizes[*b]));
    let mut rows = Vec::new();
    for (a, b) in order {
        for at in 0..sizes[a] * sizes[b] {
            if met[a][b][at] {
                continue;
            }
            let mut row = vec![usize::MAX; count];
            (row[a], row[b]) = (at / sizes[b], at % sizes[b]);
            for next in (0..count).filter(|next| *next != a && *next != b) {
                let new = |value: usize| {
                    (0..count)
                        .filter(|other| row[*other] != usize::MAX)
                        .filter(|other| {
                            let ((x, i), (y, j)) = if *other < next {
                                ((*other, row[*other]), (next, value))
                            } else {
                                ((next, value), (*other, row[*other]))
                            };
                            !met[x][y][i * sizes[y] + j]
                        })
                        .count()
                };
                // Among equals the one that was used least, beginning at another place in every row.
                let start = rows.len() % sizes[next];
                let best = (0..sizes[next])
                    .map(|value| (value + start) % sizes[next])
                    .max_by_key(|value| (new(*value), usize::MAX - used[next][*value]));
                row[next] = best.unwrap_or_default();
            }
            for x in 0..count {
                used[x][row[x]] += 1;
                for y in x + 1..count {
                    met[x][y][row[x] * sizes[y] + row[y]] = true;
                }
            }
            rows.push(row);
        }
    }
    rows
}
