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

    def __init__(self, top, bottom, seconds, value_max):
        self.top, self.bottom = top, bottom
        self.seconds, self.value_max = seconds, value_max
        self.parts = []

    def x(self, second):
        return LEFT + (RIGHT - LEFT) * second / self.seconds

    def y(self, value):
        return self.bottom - (self.bottom - self.top) * value / self.value_max

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

    def points(self, values):
        # What was used in a second is there at its end.
        return " ".join(f"{self.x(i + 1):.1f},{self.y(value):.1f}" for i, value in enumerate(values))

    def line(self, values, css):
        self.parts.append(f'<polyline points="{self.points(values)}" class="line {css}"/>')

    def area(self, values):
        self.parts.append(f'<polygon points="{self.x(0):.1f},{self.bottom} {self.points(values)} '
                          f'{self.x(len(values)):.1f},{self.bottom}" class="area"/>')

    def legend(self, y, entries):
        x = LEFT
        for css, words in entries:
            self.rule(x, y - 4, x + 22, y - 4, f"line {css}")
            self.text(x + 28, y, words, size=12)
            x += 50 + 6.5 * len(words)


def draw(tokens_by_key, limits):
    """`tokens_by_key`: what each key used in each second; `limits`: of each, in a minute."""
    limit = sum(limits.values())
    total = [sum(second) for second in zip(*tokens_by_key.values())]
    # The last second is not whole.
    total = total[:-1]

    def rates(values, of):
        means = sums(values[:-1], MEAN_SECONDS)
        return [100 * used / (of / 60 * min(i + 1, MEAN_SECONDS)) for i, used in enumerate(means)]

    rate = Panel(82, 270, len(total), 120)
    rate.text(LEFT, 30, "Quota used, of the permitted rate", size=16)
    rate.legend(56, [("c3 wide", f"all keys: {limit:,} tokens a minute")] + [
        (f"c{i}", f"{name}: {limits[name]:,}") for i, name in enumerate(limits)])
    rate.grid(range(0, 121, 20), lambda value: f"{value}%")
    for i, name in enumerate(limits):
        rate.line(rates(tokens_by_key[name], limits[name]), f"c{i}")
    rate.line(rates(total + [0], limit), "c3 wide")
    rate.text(RIGHT, 56, f"mean of {MEAN_SECONDS} s", "faint", "end", 12)

    window = Panel(352, 520, len(total), limit * 7 / 6)
    window.text(LEFT, 330, f"Tokens of the last {WINDOW_SECONDS} seconds, all keys", size=16)
    window.grid(range(0, limit + 1, limit // 6), lambda value: f"{value / 1e6:g} M")
    last_minute = sums(total, WINDOW_SECONDS)
    window.area(last_minute)
    window.line(last_minute, "c0 wide")
    window.rule(LEFT, window.y(limit), RIGHT, window.y(limit), "limit")
    window.text(LEFT + 6, window.y(limit) - 7, f"limit: {limit:,}", size=12)

    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="system-ui, sans-serif" role="img" aria-label="Quota used over time">',
        f"<style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="8" class="ground"/>',
        *rate.parts, *window.parts, "</svg>", ""])
