// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: Kuiper contributors

// Runs before the first paint, so that a chosen theme does not flash.
(() => {
  let theme = null;
  // A browser may refuse storage: then the system's theme is used.
  try { theme = localStorage.getItem("theme"); } catch { }
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
})();
