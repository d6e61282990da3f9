import { existsSync } from 'node:fs';
import { glob, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MESH_ERROR_CODES, MeshError } from '../../src/core/errors.ts';

const root = resolve(import.meta.dirname, '../..');

async function pages(): Promise<string[]> {
  const found = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'].filter((name) => existsSync(join(root, name)));
  for await (const path of glob('docs/**/*.md', { cwd: root })) found.push(path);
  return found;
}

/** The text without code, in which brackets and hashes mean something else. */
function prose(markdown: string): string {
  return markdown
    .replaceAll(/^```[^]*?^```/gm, '')
    .replaceAll(/`[^`\n]*`/g, (code) => code.replaceAll(/[[\]#()]/g, ''));
}

/** The anchors of a page, made of its headings as GitHub does it. */
function anchors(markdown: string): Set<string> {
  const headings = [...prose(markdown).matchAll(/^#{1,6} (.+)$/gm)].map((match) => match[1]!);
  return new Set(
    headings.map((text) =>
      text
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** The links of a page that lead nowhere: to a missing file, or to a heading that the page does not have. */
async function deadLinks(path: string, markdown: string): Promise<string[]> {
  const links = [...prose(markdown).matchAll(/\]\(([^)\s]+)(?: "[^"]*")?\)/g)].map((match) => match[1]!);
  const dead: string[] = [];
  for (const link of links.filter((target) => !/^[a-z]+:/.test(target))) {
    const [file, anchor] = link.split('#') as [string, string?];
    const target = file === '' ? join(root, path) : resolve(root, dirname(path), file);
    if (!existsSync(target)) dead.push(`${path}: ${link}`);
    else if (anchor !== undefined && target.endsWith('.md')) {
      const text = file === '' ? markdown : await readFile(target, 'utf8');
      if (!anchors(text).has(anchor)) dead.push(`${path}: ${link}`);
    }
  }
  return dead;
}

describe('docs/errors.md', async () => {
  const page = await readFile(join(root, 'docs/errors.md'), 'utf8');

  it('has a heading for every code, and for none that does not exist', () => {
    const headings = [...page.matchAll(/^## (.+)$/gm)].map((match) => match[1]);
    expect(headings).toEqual([...MESH_ERROR_CODES]);
  });

  it.each(MESH_ERROR_CODES)('tells of %s whom to blame, the status, causes and what to do', (code) => {
    const { blame, statusCode } = new MeshError(code, '');
    expect(page).toMatch(new RegExp(`\\| \\[${code}\\]\\S+ +\\| ${blame} +\\| ${statusCode} +\\|`));
    const section = page.split(`\n## ${code}\n`)[1]!.split('\n## ')[0];
    expect(section).toContain('**Typical causes**');
    expect(section).toContain('**What to do**');
  });
});

describe('the pages', () => {
  it('have only links that lead somewhere', async () => {
    const dead = [];
    for (const path of await pages()) dead.push(...(await deadLinks(path, await readFile(join(root, path), 'utf8'))));
    expect(dead).toEqual([]);
  });

  it('are checked by something that finds a dead link', async () => {
    const page = '# One two\n[a](#one-two) [b](#three) [c](none.md) [d](https://inmesh.dev) [e](../package.json)\n';
    expect(await deadLinks('docs/errors.md', page)).toEqual(['docs/errors.md: #three', 'docs/errors.md: none.md']);
  });
});
