// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <proximal/run/html.hpp>
#include <proximal/run/recorded_run.hpp>
#include <proximal/run/report_page.hpp>
#include <string>
#include <string_view>

namespace proximal::run {

namespace detail {
inline constexpr std::string_view samples_script = R"js(
const byId = (id) => document.getElementById(id);
const rows = data.samples, columns = data.columns;
const updates = [...new Set(rows.map((r) => r.update))].sort((a, b) => a - b);
const isText = (column) => rows.some((r) => typeof r[column] === "string");
const textual = new Set(columns.filter(isText));
const isNone = (value) => value === null || value === undefined;
const shown = (value) => typeof value === "number" ? short(value) : isNone(value) ? "–" : String(value);
let sort = { column: "update", down: true }, query = "", step = "", limit = 200;

function marked(text) {  // the text with what is searched for marked; never read as markup
  if (!query) return [text];
  const parts = [], lower = text.toLowerCase();
  let at = 0;
  for (let hit; (hit = lower.indexOf(query, at)) >= 0 && lower.length === text.length; at = hit + query.length)
    parts.push(text.slice(at, hit), make("mark", {}, text.slice(hit, hit + query.length)));
  parts.push(text.slice(at));
  return parts;
}
const cell = (row, c) =>
  make("td", { class: textual.has(c) ? "text" : "number", "data-name": c }, marked(shown(row[c])));
const matches = (row) => !query || columns.some((c) => shown(row[c]).toLowerCase().includes(query));
function compare(a, b) {
  const x = a[sort.column], y = b[sort.column];
  if (x === y) return 0;
  if (isNone(x)) return 1;  // what is none stands last, either way
  if (isNone(y)) return -1;
  const less = typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y));
  return sort.down ? -less : less;
}
function list() {
  const found = rows.filter((r) => matches(r) && (step === "" || r.update === +step)).sort(compare);
  byId("count").textContent = `${found.length} of ${rows.length} samples`;
  const head = make("tr", {}, columns.map((c) => make("th", {
    class: textual.has(c) ? null : "number",
    "aria-sort": c !== sort.column ? "none" : sort.down ? "descending" : "ascending" },
    make("button", { type: "button", on: { click: () => {
      sort = { column: c, down: c === sort.column ? !sort.down : !textual.has(c) };
      list();
    } } }, c, c !== sort.column ? "" : sort.down ? " ▾" : " ▴"))));
  const showMore = () => { limit *= 4; list(); };
  const more = found.length > limit
    ? make("button", { type: "button", on: { click: showMore } }, `show more of ${found.length}`) : null;
  byId("list").replaceChildren(make("div", { class: "wide" }, make("table", { class: "rows" }, make("thead", {}, head),
    make("tbody", {}, found.slice(0, limit).map((r) => make("tr", {}, columns.map((c) => cell(r, c))))))));
  if (more) byId("list").append(more);
}
function sideBySide() {
  const [left, right] = [+byId("left").value, +byId("right").value];
  const of = (update) => rows.filter((r) => r.update === update);
  const pairs = new Map();
  for (const [side, update] of [[0, left], [1, right]])
    for (const row of of(update)) {
      const key = shown(row.query) + "\n" + [...pairs.keys()].filter((k) => pairs.get(k)[side] &&
        pairs.get(k)[side].query === row.query).length;  // a prompt that is there twice is two
      if (!pairs.has(key)) pairs.set(key, [null, null]);
      pairs.get(key)[side] = row;
    }
  const numbers = columns.filter((c) => c !== "update" && c !== "episode" && !textual.has(c));
  const column = (row, other, update) => row === null
    ? make("div", { class: "card faint" }, `not sampled after update ${update}`)
    : make("div", { class: "card sample" }, make("div", { class: "small faint" }, `after update ${update}`),
      make("p", {}, marked(shown(row.response))),
      make("div", { class: "small" }, numbers.map((c) => {
        const change = other && typeof row[c] === "number" && typeof other[c] === "number" ? row[c] - other[c] : null;
        const told = change === null ? "" : ` (${change >= 0 ? "+" : "−"}${short(Math.abs(change))})`;
        return `${c} ${shown(row[c])}${told}   `;
      })));
  const kept = [...pairs.values()].filter(([a, b]) => (a && matches(a)) || (b && matches(b)));
  byId("count").textContent = `${kept.length} ${kept.length === 1 ? "prompt" : "prompts"}`;
  byId("pairs").replaceChildren(
    ...kept.map(([a, b]) => make("div", { style: "margin-bottom:14px" },
      make("p", { class: "faint", style: "white-space:pre-wrap;overflow-wrap:anywhere;margin:6px 0" },
        marked(shown((a || b).query))),
      make("div", { class: "two" }, column(a, null, left), column(b, a, right)))));
}
function refresh() {
  const comparing = byId("compare").checked;
  byId("list").hidden = byId("step-label").hidden = comparing;
  byId("pairs").hidden = byId("sides").hidden = !comparing;
  if (comparing) sideBySide();
  else list();
}
const choices = () => updates.map((u) => make("option", { value: u }, `${u}`));
byId("left").append(...choices());
byId("right").append(...choices());
byId("step").append(make("option", { value: "" }, "all"), ...choices());
if (updates.length) {
  byId("left").value = updates[0];
  byId("right").value = updates[updates.length - 1];
}
byId("search").addEventListener("input", (e) => { query = e.target.value.toLowerCase(); refresh(); });
byId("step").addEventListener("change", (e) => { step = e.target.value; refresh(); });
for (const id of ["left", "right", "compare"]) byId(id).addEventListener("change", refresh);
refresh();
)js";
}  // namespace detail

/// All samples of a run as one HTML file that needs nothing beside itself: searched, sorted by any column, and those of
/// two updates side by side.
inline std::string samples_page(recorded_run const& run) {
    using json = nlohmann::ordered_json;
    json data{{"columns", json::array()}, {"samples", json::array()}};
    for (char const* first : {"update", "query", "response", "score"})
        for (auto const& sample : run.samples)
            if (sample.contains(first)) {
                data["columns"].push_back(first);
                break;
            }
    for (auto const& sample : run.samples) {
        if (!sample.contains("update") || !sample["update"].is_number()) continue;
        data["samples"].push_back(sample);
        for (auto const& [key, value] : sample.items()) {
            auto const& columns = data["columns"];
            if (key != "episode" && std::find(columns.begin(), columns.end(), key) == columns.end())
                data["columns"].push_back(key);
        }
    }
    std::string const title = "Samples of " + run.name();
    std::string const body = "<h1>" + html_escaped(title) + "</h1>\n" + R"html(<div class="bar">
<input id="search" type="search" placeholder="search" aria-label="search">
<label id="step-label">update <select id="step"></select></label>
<label><input type="checkbox" id="compare"> compare</label>
<label id="sides" hidden>update <select id="left" aria-label="left"></select> and
<select id="right" aria-label="right"></select></label>
<span class="faint" id="count"></span>
</div>
<noscript><p>This page works with JavaScript, all of it in this file.</p></noscript>
<div id="list"></div>
<div id="pairs" hidden></div>
)html";
    return html_page(title, detail::report_style, body,
                     std::string(detail::report_basics) + std::string(detail::samples_script), data);
}

}  // namespace proximal::run
