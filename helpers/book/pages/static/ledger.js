/* The ledger's buttons show claims of one verdict; an address that names a claim or a verdict opens it. */
(function () {
  "use strict";

  function show(verdict) {
    document.querySelectorAll("#ledger .claim").forEach(function (claim) {
      claim.hidden = Boolean(verdict) && claim.dataset.verdict !== verdict;
    });
    document.querySelectorAll(".ledger-filter button").forEach(function (button) {
      button.setAttribute("aria-pressed", String(button.dataset.verdict === verdict));
    });
  }

  function follow() {
    const name = decodeURIComponent(window.location.hash.slice(1));
    if (/^verdict-/.test(name)) show(name.slice("verdict-".length));
    const claim = /^claim-/.test(name) && document.getElementById(name);
    if (claim) {
      show("");
      claim.open = true;
      claim.scrollIntoView({ block: "center" });
    }
  }

  function start() {
    const filter = document.querySelector(".ledger-filter");
    if (!filter) return;
    filter.classList.add("ready");
    filter.addEventListener("click", function (event) {
      const button = event.target.closest("button");
      if (button) show(button.dataset.verdict);
    });
    window.addEventListener("hashchange", follow);
    window.addEventListener("beforeprint", function () {
      document.querySelectorAll("#ledger .claim").forEach(function (claim) { claim.open = true; });
    });
    follow();
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
