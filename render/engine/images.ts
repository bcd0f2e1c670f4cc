import { compileRegex } from './regex.ts';

/** One entry of `images` in a kustomization. */
export type ImageRule = {
  readonly name: string;
  readonly newName?: string;
  readonly newTag?: string;
  readonly tagSuffix?: string;
  readonly digest?: string;
};

/**
 * The image as a rule makes it, or the same text where the rule does not match. As in kustomize 5.5 (api v0.18.0,
 * filters/imagetag) the name of a rule is a regular expression, and a new tag or digest takes the place of both.
 *
 * @throws EngineFault for a name that is no regular expression
 */
export function setImage(image: string, rule: ImageRule): string {
  if (!mayMatch(image, rule.name) || !matches(image, rule.name)) return image;
  const { newName = '', newTag = '', tagSuffix = '', digest = '' } = rule;
  const parts = splitImage(image);
  const name = newName === '' ? parts.name : newName;
  if (newTag !== '' || digest !== '') return joinImage(name, newTag, digest);
  return tagSuffix === ''
    ? joinImage(name, parts.tag, parts.digest)
    : joinImage(name, parts.tag + tagSuffix, '');
}

/** Name, tag and digest of an image; a colon before the first slash belongs to the registry. */
export function splitImage(image: string): { name: string; tag: string; digest: string } {
  const start = Math.max(0, image.indexOf('/'));
  const colon = image.indexOf(':', start);
  const at = image.indexOf('@', start);
  if (at >= 0 && (colon < 0 || at < colon))
    return { name: image.slice(0, at), tag: '', digest: image.slice(at + 1) };
  if (colon < 0) return { name: image, tag: '', digest: '' };
  const end = at < 0 ? image.length : at;
  return {
    name: image.slice(0, colon),
    tag: image.slice(colon + 1, end),
    digest: at < 0 ? '' : image.slice(at + 1),
  };
}

function joinImage(name: string, tag: string, digest: string): string {
  return `${name}${tag === '' ? '' : `:${tag}`}${digest === '' ? '' : `@${digest}`}`;
}

/** Names are plain almost always; then the start of the image tells without a regular expression. */
function mayMatch(image: string, name: string): boolean {
  return !/^[A-Za-z0-9_/-]*$/.test(name) || image.startsWith(name);
}

function matches(image: string, name: string): boolean {
  return compileRegex(`^${name}(:[a-zA-Z0-9_.{}-]*)?(@sha256:[a-zA-Z0-9_.{}-]*)?$`).matcher(image).find();
}
