"use strict";
(function () {
  const config = {
    responsive: true,
    displaylogo: false,
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
    toImageButtonOptions: { format: "svg" },
  };
  const drawn = [];
  for (const holder of document.querySelectorAll("script.figure-data")) {
    const figure = JSON.parse(holder.textContent);
    const place = document.getElementById(holder.dataset.for);
    drawn.push(Plotly.newPlot(place, figure.data, figure.layout, Object.assign({}, figure.config, config)));
  }
  Promise.all(drawn).then(() => document.body.setAttribute("data-figures-drawn", String(drawn.length)));

  const toggle = document.getElementById("code-toggle");
  toggle.addEventListener("click", () => {
    const shown = document.body.classList.toggle("with-code");
    toggle.textContent = shown ? "Hide code" : "Show code";
    toggle.setAttribute("aria-pressed", String(shown));
  });
  const resize = () => document.querySelectorAll(".figure").forEach((place) => Plotly.Plots.resize(place));
  window.addEventListener("beforeprint", resize);
  window.addEventListener("afterprint", resize);
})();
