// Plain JavaScript, so that node can test it as it is (tests/unit/site/test_own_path.py).

/**
 * The path, query and fragment of `address` if it leads to a page of `origin`, else `otherwise`.
 *
 * The result is safe as the target of a navigation. "/.//evil.example" is a page of this origin
 * until its path "//evil.example" stands alone, where it names another host; so the path is read
 * again and must lead to the same place.
 *
 * @param {string | null} address
 * @param {string} origin such as "https://example.com"
 * @param {string} otherwise
 * @returns {string}
 */
export function ownPath(address, origin, otherwise) {
  if (!address) return otherwise;
  try {
    const target = new URL(address, origin);
    const path = target.pathname + target.search + target.hash;
    const again = new URL(path, origin);
    if (target.origin === origin && again.href === target.href) return path;
  } catch {
    // Not an address at all.
  }
  return otherwise;
}
