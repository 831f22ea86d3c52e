// Light or dark: as the system has it, until somebody chooses.
export function themes() {
  const button = document.getElementById('theme');
  if (!button) return;
  button.hidden = false;
  const system = matchMedia('(prefers-color-scheme: dark)');
  const isDark = () => (document.documentElement.dataset.theme ?? (system.matches ? 'dark' : 'light')) === 'dark';
  const tell = () => {
    button.textContent = isDark() ? 'Light' : 'Dark';
    document.dispatchEvent(new Event('theme'));
  };
  button.addEventListener('click', () => {
    document.documentElement.dataset.theme = isDark() ? 'light' : 'dark';
    tell();
  });
  system.addEventListener('change', tell);
  tell();
}
