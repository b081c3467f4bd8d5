"""Draws how a quota is used over time as an SVG that depends on nothing."""

MEAN_SECONDS = 10
WINDOW_SECONDS = 60

WIDTH, HEIGHT = 860, 560
LEFT, RIGHT = 70, 830
# Okabe and Ito's colours, which the colour-blind tell apart, lighter where the ground is dark.
STYLE = """
  .ground { fill: #ffffff } .text { fill: #24292f } .faint { fill: #57606a }
  .grid { stroke: #d8dee4 } .limit { stroke: #24292f; stroke-dasharray: 6 4; stroke-width: 1.5 }
  .line { fill: none; stroke-width: 1.5; stroke-linejoin: round } .wide { stroke-width: 2.5 }
  .c0 { stroke: #0072b2 } .c1 { stroke: #d55e00 } .c2 { stroke: #009e73 } .c3 { stroke: #24292f }
  .area { fill: #0072b2; fill-opacity: 0.15; stroke: none }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117 } .text { fill: #e6edf3 } .faint { fill: #9198a1 }
    .grid { stroke: #30363d } .limit { stroke: #e6edf3 }
    .c0 { stroke: #56b4e9 } .c1 { stroke: #e69f00 } .c2 { stroke: #2fc99a } .c3 { stroke: #e6edf3 }
    .area { fill: #56b4e9 }
  }
"""


def sums(values, width):
    """For each entry, the sum of it and of those before it, `width` in all."""
    total, result = 0, []
    for i, value in enumerate(values):
        total += value - (values[i - width] if i >= width else 0)
        result.append(total)
    return result


class Panel:
    """A grid with an axis of seconds and one of values, and lines in it."""

    def __init__(self, top, bottom, seconds, value_min, value_max):
        self.top, self.bottom = top, bottom
        self.seconds, self.value_min, self.value_max = seconds, value_min, value_max
        self.parts = []

    def x(self, second):
        return LEFT + (RIGHT - LEFT) * second / self.seconds

    def y(self, value):
        part = (value - self.value_min) / (self.value_max - self.value_min)
        return self.bottom - (self.bottom - self.top) * part

    def text(self, x, y, words, css="text", anchor="start", size=13):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" class="{css}" font-size="{size}" '
                          f'text-anchor="{anchor}">{words}</text>')

    def rule(self, x1, y1, x2, y2, css="grid"):
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
                          f'class="{css}"/>')

    def grid(self, values, name):
        for value in values:
            self.rule(LEFT, self.y(value), RIGHT, self.y(value))
            self.text(LEFT - 8, self.y(value) + 4, name(value), "faint", "end", 12)
        for second in range(0, int(self.seconds) + 1, 30):
            self.text(self.x(second), self.bottom + 18, f"{second} s", "faint", "middle", 12)

    def points(self, first, values):
        return " ".join(f"{self.x(first + i):.1f},{self.y(value):.1f}"
                        for i, value in enumerate(values))

    def line(self, first, values, css):
        """Values a second, the first of them at second `first`."""
        self.parts.append(f'<polyline points="{self.points(first, values)}" class="line {css}"/>')

    def area(self, values):
        self.parts.append(f'<polygon points="{self.points(0, values)} '
                          f'{self.x(len(values) - 1):.1f},{self.bottom}" class="area"/>')

    def limit(self, value, words):
        self.rule(LEFT, self.y(value), RIGHT, self.y(value), "limit")
        self.text(LEFT + 6, self.y(value) - 7, words, size=12)

    def legend(self, y, entries):
        x = LEFT
        for css, words in entries:
            self.rule(x, y - 4, x + 22, y - 4, f"line {css}")
            self.text(x + 28, y, words, size=12)
            x += 50 + 6.5 * len(words)


def draw(tokens_by_key, limits):
    """`tokens_by_key`: what each key used in each second; `limits`: of each, in a minute."""
    limit = sum(limits.values())
    # The last second is not whole.
    used = {name: tokens[:-1] for name, tokens in tokens_by_key.items()}
    total = [sum(second) for second in zip(*used.values())]

    def rates(tokens, of):
        whole = sums(tokens, MEAN_SECONDS)[MEAN_SECONDS - 1:]
        return [100 * amount / (of / 60 * MEAN_SECONDS) for amount in whole]

    key_rates = {name: rates(used[name], limits[name]) for name in limits}
    lowest, highest = min(map(min, key_rates.values())), max(map(max, key_rates.values()))
    lowest, highest = min(80, int(lowest // 10 * 10)), max(120, int(-(-highest // 10) * 10))
    rate = Panel(104, 270, len(total), lowest, highest)
    rate.text(LEFT, 30, f"Rate: tokens of the last {MEAN_SECONDS} seconds, of what is permitted", size=16)
    rate.text(LEFT, 52, "Above 100%, a key makes up for a pause after a fault: what binds is the sum of "
              f"any {WINDOW_SECONDS} seconds, below.", "faint", size=12)
    rate.legend(80, [("c3 wide", f"all keys: {limit:,} tokens a minute")] + [
        (f"c{i}", f"{name}: {limits[name]:,}") for i, name in enumerate(limits)])
    rate.grid(range(lowest, highest + 1, 10), lambda value: f"{value}%")
    for i, name in enumerate(limits):
        rate.line(MEAN_SECONDS, key_rates[name], f"c{i}")
    rate.line(MEAN_SECONDS, rates(total, limit), "c3 wide")

    window = Panel(352, 520, len(total), 0, limit * 7 / 6)
    window.text(LEFT, 330, f"Quota: tokens of the last {WINDOW_SECONDS} seconds, all keys", size=16)
    window.grid(range(0, limit + 1, limit // 6), lambda value: f"{value / 1e6:g} M")
    last_minute = [0, *sums(total, WINDOW_SECONDS)]
    window.area(last_minute)
    window.line(0, last_minute, "c0 wide")
    window.limit(limit, f"limit: {limit:,}")

    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="system-ui, sans-serif" role="img" aria-label="Quota used over time">',
        f"<style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="8" class="ground"/>',
        *rate.parts, *window.parts, "</svg>", ""])
