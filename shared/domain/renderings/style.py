"""How the page looks: on a screen in light and dark, on paper,
without colour. Every state has its own mark or pattern as well."""

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f6f8fa; --card: #fff; --line: #d1d9e0; --soft: #eaeef2; --text: #1f2328; --quiet: #59636e; --link: #0550ae;
  --delivered: #1a7f37; --captured: #6639ba; --present: #57606a; --skipped: #7d4e00; --failed: #cf222e;
  --failed-soft: #ffebe9; --shadow: 0 1px 2px #1f232812;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0d1117; --card: #151b23; --line: #3d444d; --soft: #262c36; --text: #f0f6fc; --quiet: #9198a1; --link: #79c0ff;
    --delivered: #3fb950; --captured: #bc8cff; --present: #9198a1; --skipped: #e3b341; --failed: #ff7b72;
    --failed-soft: #3b1518; --shadow: none;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 14px/1.5 "Segoe UI", system-ui, -apple-system, "Helvetica Neue", Arial, sans-serif;
}
main { max-width: 1360px; margin: 0 auto; padding: 24px 24px 64px; }
a { color: var(--link); text-underline-offset: 2px; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 3px; }
.skip { position: absolute; left: -999px; }
.skip:focus { left: 16px; top: 8px; background: var(--card); padding: 4px 12px; z-index: 9; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
code { font: 12px/1.5 ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
h1 { font-size: 24px; font-weight: 600; line-height: 1.25; margin: 0; }
h1 small { font-weight: 400; color: var(--quiet); font-size: inherit; overflow-wrap: anywhere; }
h2 { font-size: 16px; font-weight: 600; margin: 0; }
h3 { font-size: 14px; font-weight: 600; margin: 0; }
p { margin: 0; }
.quiet { color: var(--quiet); }

/* Head */
header { display: flex; flex-wrap: wrap; gap: 12px 16px; align-items: center; }
.badge {
  display: inline-flex; gap: 8px; align-items: center; padding: 4px 14px 4px 10px; border-radius: 99px; font-weight: 600;
  border: 1px solid currentColor; white-space: nowrap;
}
.Succeeded { color: var(--delivered); } .PartiallySucceeded { color: var(--skipped); } .Failed { color: var(--failed); }
.facts { display: flex; flex-wrap: wrap; gap: 4px 28px; margin: 12px 0 0; }
.facts div { display: flex; gap: 8px; align-items: baseline; }
.facts dt { color: var(--quiet); } .facts dd { margin: 0; font-variant-numeric: tabular-nums; }
nav { display: flex; flex-wrap: wrap; gap: 4px 20px; margin: 16px 0 0; padding-bottom: 4px;
  border-bottom: 1px solid var(--line); }
nav a { padding: 4px 0 6px; color: var(--text); text-decoration: none; border-bottom: 2px solid transparent;
  margin-bottom: -5px; }
nav a:hover { border-color: var(--line); }
nav b { font-weight: 500; background: var(--soft); border-radius: 99px; padding: 1px 8px; font-size: 12px; }
section {
  margin-top: 24px; background: var(--card); border: 1px solid var(--line); border-radius: 8px; box-shadow: var(--shadow);
  overflow: clip;
}
section > h2, .head { padding: 12px 16px; border-bottom: 1px solid var(--line); }
.head { display: flex; flex-wrap: wrap; gap: 8px 20px; align-items: center; justify-content: space-between; }

/* Counts */
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(132px, 1fr)); gap: 12px; margin-top: 20px; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 12px 16px;
  box-shadow: var(--shadow); }
.tile b { display: block; font-size: 24px; white-space: nowrap; font-weight: 600; line-height: 1.2;
  font-variant-numeric: tabular-nums; }
.tile.none b { color: var(--quiet); font-weight: 400; }
.mark { display: inline-block; width: 1.3em; text-align: center; font-weight: 700; font-style: normal; }
.delivered .mark, .mark.delivered { color: var(--delivered); } .captured .mark, .mark.captured { color: var(--captured); }
.present .mark, .mark.present { color: var(--present); } .skipped .mark, .mark.skipped { color: var(--skipped); }
.failed .mark, .mark.failed { color: var(--failed); }
.share { display: block; width: 100%; height: 10px; margin-top: 12px; border-radius: 5px; }
.share rect, .bar { stroke: var(--card); stroke-width: 1px; vector-effect: non-scaling-stroke; }
.share .delivered, .bar.delivered { fill: var(--delivered); } .share .present { fill: var(--present); fill-opacity: .55; }
.bar.captured { fill: var(--captured); } .share .skipped, .bar.skipped { fill: var(--skipped); fill-opacity: .6; }
.share .failed, .bar.failed { fill: url(#hatch); stroke: var(--failed); }
#hatch rect { fill: var(--failed-soft); } #hatch path { stroke: var(--failed); stroke-width: 2; }

/* What went wrong */
.problem { padding: 12px 16px; border-left: 4px solid var(--failed); }
.problem + .problem { border-top: 1px solid var(--line); }
.problem.warning { border-left-color: var(--skipped); border-left-style: dashed; }
.problem h3 { display: flex; flex-wrap: wrap; gap: 4px 10px; align-items: baseline; }
.problem ul { margin: 6px 0 0; padding-left: 20px; } .problem li { margin: 2px 0; overflow-wrap: anywhere; }
.next { margin-top: 6px; } .next b { font-weight: 600; }

/* Tables */
.scroll { position: relative; overflow: auto; max-height: 80vh; }
table { border-collapse: separate; border-spacing: 0; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 6px 12px; border-bottom: 1px solid var(--line); unicode-bidi: isolate; }
tbody:last-child tr:last-child > * { border-bottom: 0; }
thead th { position: sticky; top: 0; z-index: 2; background: var(--soft); font-weight: 600; white-space: nowrap; }
tbody th { font-weight: 400; white-space: nowrap; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.state { white-space: nowrap; }
.path { overflow-wrap: anywhere; min-width: 14em; }
.why { min-width: 20em; width: 40%; overflow-wrap: anywhere; }
tr.failed > :first-child { box-shadow: inset 4px 0 var(--failed); }
tr:target > * { background: var(--failed-soft); }

/* Labs x images */
.matrix { width: auto; min-width: 60%; }
.matrix thead th { vertical-align: bottom; padding: 8px 4px; }
.matrix thead th > span { display: block; writing-mode: vertical-rl; transform: rotate(180deg); max-height: 260px; margin: 0 auto;
  overflow: hidden; text-overflow: ellipsis; font-weight: 400; white-space: nowrap; line-height: 1.3; }
.matrix thead th:first-child, .matrix tbody th { position: sticky; left: 0; z-index: 1; background: var(--card);
  border-right: 1px solid var(--line); white-space: nowrap; padding: 4px 16px; }
.matrix thead th:first-child { z-index: 3; background: var(--soft); }
.matrix tbody .group th { position: static; background: var(--page); border-right: 0; padding: 6px 16px; }
.matrix .group span { position: sticky; left: 16px; font-weight: 600; color: var(--quiet); }
.matrix td { text-align: center; padding: 4px; min-width: 34px; border-right: 1px solid var(--soft); }
.matrix td:last-child, .matrix thead th:last-child { width: 99%; border-right: 0; }
.matrix td.failed { background: var(--failed-soft); }
.matrix td a { text-decoration: none; color: inherit; }
.matrix tr:hover > * { background: var(--soft); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 0; padding: 0; list-style: none; color: var(--quiet); }

/* When */
.when td { padding: 0; width: 100%; }
.when th { white-space: nowrap; padding: 0 16px; line-height: 20px; border-right: 1px solid var(--line); vertical-align: middle; }
.when thead th { position: sticky; z-index: 3; } .when thead td { position: sticky; top: 0; background: var(--soft); z-index: 2; }
.when svg { display: block; width: 100%; overflow: visible; } .when tbody tr:hover > * { background: var(--soft); }
.tick { stroke: var(--line); stroke-width: 1; } .when text { fill: var(--quiet); font-size: 11px;
  font-variant-numeric: tabular-nums; }
.when .cross { fill: var(--failed); font-size: 12px; font-weight: 700; }

/* Every pair; without :has nothing is hidden */
.pick { display: flex; flex-wrap: wrap; gap: 4px; border: 0; margin: 0; padding: 0; }
.pick label { position: relative; padding: 2px 12px; border: 1px solid var(--line); border-radius: 99px; cursor: pointer; }
.pick input { position: absolute; inset: 0; opacity: 0; margin: 0; cursor: pointer; }
.pick label:has(:checked) { background: var(--text); color: var(--card); border-color: var(--text); }
.pick label:has(:checked) .mark { color: inherit; }
.pick label:has(:focus-visible) { outline: 2px solid var(--link); outline-offset: 2px; }
.pairs:has(#only-delivered:checked) tr[data-state]:not(.delivered),
  .pairs:has(#only-present:checked) tr[data-state]:not(.present),
.pairs:has(#only-skipped:checked) tr[data-state]:not(.skipped), .pairs:has(#only-failed:checked) tr[data-state]:not(.failed),
.pairs:has(input:not(#only-all):checked) tbody:not(:has(tr.delivered, tr.present, tr.skipped, tr.failed)) { display: none; }
footer { margin-top: 24px; color: var(--quiet); font-size: 12px; }

@media (max-width: 700px) {
  main { padding: 16px 12px 48px; }
  th, td { padding: 6px 8px; }
  .matrix thead th:first-child, .matrix tbody th, .when th { max-width: 42vw; overflow: hidden; text-overflow: ellipsis;
    padding: 4px 8px; }
}
@media (forced-colors: active) {
  .bar, .share rect { forced-color-adjust: none; }
  .badge, .tile, .problem { border: 1px solid CanvasText; }
}
@page { size: A4 landscape; margin: 12mm; }
@media print {
  :root { color-scheme: light; --page: #fff; --card: #fff; --line: #b5bcc4; --soft: #f1f3f5; --text: #000; --quiet: #444;
    --link: #000;
    --delivered: #1a7f37; --captured: #6639ba; --present: #57606a; --skipped: #7d4e00; --failed: #b3121d; --failed-soft: #ffebe9;
    --shadow: none; }
  body { font-size: 8.5pt; }
  main { max-width: none; padding: 0; }
  nav, .skip, .pick { display: none; }
  section { overflow: visible; break-inside: auto; margin-top: 12pt; }
  h2, .head, h3 { break-after: avoid; } tr, .problem, .tile, svg { break-inside: avoid; }
  .scroll { overflow: visible; max-height: none; }
  thead { display: table-header-group;
    } thead th, .when thead td, .matrix thead th:first-child, .matrix tbody th { position: static; }
  th, td { padding: 1.5pt 4pt; line-height: 1.3; } .why { min-width: 18em; } .path { min-width: 12em; }
  .pairs, #captures { font-size: 7pt; } .pairs .next, #captures .next { margin-top: 0; }
  .tiles { grid-template-columns: repeat(8, 1fr); gap: 6pt; } .tile { padding: 5pt 8pt; } .tile b { font-size: 15pt; }
  .matrix { table-layout: fixed; width: 100%; font-size: 7pt; }
  .matrix thead th { height: auto; padding: 2pt 0; } .matrix thead th > span { max-height: 120pt; font-size: 6.5pt; }
  .matrix thead th:first-child, .matrix tbody th { width: 96pt; padding: 1pt 5pt; overflow: hidden; text-overflow: ellipsis; }
  .matrix td { min-width: 0; padding: 1pt 0; } .matrix td:last-child, .matrix thead th:last-child { width: 0; padding: 0; }
  .matrix tr:hover > * { background: none; }
  .bar, .share rect { print-color-adjust: exact; stroke: #000; stroke-width: .6px; }
  a { text-decoration: none; }
}
"""
