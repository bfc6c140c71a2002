// Draws with uPlot; loaded only where there is something to draw.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

const HEIGHT = 200;

/** Draws a bar for each day of a month into `box`; the answer takes it away again. */
export function drawDays(box: HTMLElement, minutes: number[]): () => void {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let plot: uPlot | undefined;
  const draw = () => {
    plot?.destroy();
    plot = new uPlot(options(box), [minutes.map((_, index) => index + 1), minutes], box);
  };
  const resized = new ResizeObserver(() =>
    plot?.setSize({ width: box.clientWidth, height: HEIGHT }),
  );
  draw();
  resized.observe(box);
  dark.addEventListener("change", draw);
  return () => {
    resized.disconnect();
    dark.removeEventListener("change", draw);
    plot?.destroy();
  };
}

function options(box: HTMLElement): uPlot.Options {
  const colors = getComputedStyle(box);
  const color = (name: string) => colors.getPropertyValue(name).trim();
  const axis = {
    stroke: color("--soft"),
    grid: { stroke: color("--line"), width: 1 },
    ticks: { show: false },
    font: `12px ${colors.fontFamily}`,
  };
  return {
    width: box.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false, range: (_, min, max) => [min - 0.7, max + 0.7] },
      y: { range: (_, _min, max) => [0, max > 0 ? max * 1.1 : 1] },
    },
    axes: [
      { ...axis, grid: { show: false }, incrs: [1, 2, 5, 10] },
      { ...axis, size: 48 },
    ],
    series: [
      {},
      { fill: color("--mark"), width: 0, points: { show: false }, paths: uPlot.paths.bars!({ size: [0.65, 32] }) },
    ],
  };
}
