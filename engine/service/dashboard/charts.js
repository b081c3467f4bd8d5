// A chart of the last minutes with a legend that tells the numbers, now or under the pointer.
import { el, setText } from './dom.js';
import { compactCount, time } from './format.js';
import { spanMs } from './history.js';

const { Dygraph } = window;
// Its own legend measures by a style attribute, which the content security policy forbids.
Dygraph.PLUGINS = [Dygraph.Plugins.Axes, Dygraph.Plugins.Grid];

const growsMs = 2 * 60_000; // what a new page shows at first

// Few steps, so that the scale moves seldom.
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].map((step) => step * power).find((step) => step >= value);
}

export class LiveChart {
  // series: [{name, column of a sample, say(value)}], in the order of their colours.
  constructor(figure, series, leastMaximum) {
    this.plot = figure.querySelector('.plot');
    this.series = series;
    this.leastMaximum = leastMaximum;
    this.title = figure.querySelector('h2').textContent;
    this.dygraph = null;
    this.samples = [];
    this.plot.setAttribute('role', 'img');
    this.at = el('li', { class: 'at' });
    this.values = series.map(() => el('b', {}, '–'));
    this.swatches = series.map((_, i) => el('i', { class: `swatch series-${i + 1}` }));
    figure
      .querySelector('.legend')
      .append(
        this.at,
        ...series.map(({ name }, i) => el('li', {}, this.swatches[i], `${name} `, this.values[i])),
      );
    document.addEventListener('penstock-theme', () => this.recolour());
  }

  // Draws if the chart can be seen; a hidden one has no size.
  show(samples) {
    this.samples = samples;
    if (samples.length === 0 || this.plot.clientWidth === 0) return;
    const latest = samples.at(-1);
    this.tell(latest);
    const said = this.series.map(({ name, column, say }) => `${name} ${say(latest[column])}`);
    this.plot.setAttribute('aria-label', `${this.title}, now: ${said.join(', ')}`);
    const now = latest[0];
    const shown = Math.min(Math.max(now - samples[0][0], growsMs), spanMs);
    const highest = Math.max(
      this.leastMaximum,
      ...samples.flatMap((sample) => this.series.map(({ column }) => sample[column] ?? 0)),
    );
    const view = {
      file: samples.map((sample) => [
        new Date(sample[0]),
        ...this.series.map(({ column }) => sample[column]),
      ]),
      dateWindow: [now - shown, now],
      valueRange: [0, roundUp(highest * 1.05)],
    };
    if (this.dygraph) {
      this.dygraph.resize();
      this.dygraph.updateOptions(view);
    } else {
      this.draw(view);
    }
  }

  draw({ file, ...view }) {
    this.dygraph = new Dygraph(this.plot, file, {
      ...view,
      ...this.colours(),
      labels: ['Time', ...this.series.map(({ name }) => name)],
      interactionModel: {}, // a finger scrolls the page
      strokeWidth: 1.75,
      fillGraph: true,
      fillAlpha: 0.12,
      highlightCircleSize: 3.5,
      gridLineWidth: 1,
      axisLabelFontSize: 12,
      rightGap: 8,
      axes: {
        x: {
          drawGrid: false,
          axisTickSize: 6,
          pixelsPerLabel: 80,
          axisLabelWidth: 64,
          axisLabelFormatter: (at) => at.toTimeString().slice(0, 5 + 3 * (at.getSeconds() > 0)),
        },
        y: { pixelsPerLabel: 36, axisLabelWidth: 36, axisLabelFormatter: (n) => compactCount(n) },
      },
      highlightCallback: (event, x, points, row) => {
        const sample = this.samples[row];
        if (sample && sample[this.series[0].column] !== null) this.tell(sample, true);
      },
      unhighlightCallback: () => this.tell(this.samples.at(-1)),
    });
  }

  tell(sample, past = false) {
    setText(this.at, past ? time(sample[0]) : '');
    this.series.forEach(({ column, say }, i) => setText(this.values[i], say(sample[column])));
  }

  // A canvas knows no custom properties; the legend's swatches have the colours that count now.
  colours() {
    const of = (node, property) => getComputedStyle(node)[property];
    return {
      colors: this.swatches.map((swatch) => of(swatch, 'backgroundColor')),
      gridLineColor: of(this.plot, 'borderTopColor'),
      axisLineColor: of(this.plot, 'borderTopColor'),
    };
  }

  recolour() {
    if (this.dygraph) this.dygraph.updateOptions(this.colours());
  }
}
