// Runs before the page is drawn, so that it never flashes in the other colours.
(() => {
  const names = { auto: 'Auto', light: 'Light', dark: 'Dark' };
  const stored = () => {
    try {
      return localStorage.getItem('penstock-theme');
    } catch {
      return null; // storage is forbidden: the switch works for this page only
    }
  };
  let theme = stored() in names ? stored() : 'auto';

  const apply = () => {
    document.documentElement.dataset.theme = theme;
    const text = document.getElementById('theme-text');
    if (!text) return;
    text.textContent = names[theme];
    const said = theme === 'auto' ? 'as the system' : names[theme].toLowerCase();
    document.getElementById('theme-button').setAttribute('aria-label', `Colours: ${said}`);
    document.dispatchEvent(new Event('penstock-theme'));
  };

  apply();
  document.addEventListener('DOMContentLoaded', () => {
    apply();
    document.getElementById('theme-button').addEventListener('click', () => {
      const order = Object.keys(names);
      theme = order[(order.indexOf(theme) + 1) % order.length];
      try {
        localStorage.setItem('penstock-theme', theme);
      } catch {
        // As above.
      }
      apply();
    });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', apply);
  });
})();
