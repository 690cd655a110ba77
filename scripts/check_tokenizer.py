#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares examples/tokenize with the PyPI package `tokenizers`: ids and decoded text must be equal on every line.

  check_tokenizer.py --program build/release/tokenize [--lines 20000] [--seed 0] [--keep DIR]

It makes its own tokenizer.json files, one per family of settings, and its own text: code and prose found on the machine
and generated lines of many scripts, emoji, white space, control characters, combining marks and added tokens.
Ends with status 1 and the first differing lines if anything differs.
"""
import argparse, glob, json, os, random, subprocess, sys, sysconfig, tempfile, time, unicodedata

os.environ["TOKENIZERS_PARALLELISM"] = "false"
from tokenizers import AddedToken, Regex, Tokenizer, __version__, decoders, models, normalizers, pre_tokenizers, processors, trainers

SPACES = [" ", "  ", "   ", "    ", "\t", "\n", "\r\n", "\r", "\v", "\f", "\x1c", "\x85", "\xa0", "\u1680", "\u180e", "\u2003",
          "\u200b", "\u2028", "\u2029", "\u202f", "\u3000", "\ufeff"]
EMOJI = ["😀", "👩‍👩‍👧‍👦", "🏳️‍🌈", "👍🏽", "🇩🇪🇯🇵", "❤️", "1️⃣", "🧑🏿‍🚀", "☺", "🤷🏻‍♀️"]
WORDS = ["don't", "we're", "I'LL", "it'ſ", "you’ve", "naïve", "straße", "ﬁne", "İstanbul", "ΣΊΣΥΦΟΣ", "e\u0301a\u0323\u0307", "한국어", "각", "日本語のテキスト",
         "ไทยนี้", "हिन्दी", "العَرَبِيَّة", "עִבְרִית", "Ελληνικά", "русский", "12345", "٣٤٥", "Ⅷ½²", "x=y+1;", "http://a.b/c?d=e&f", "_a_b", "...", "--", "!?"]


def machine_texts(rng, count):
    """Lines and short passages of source code and documentation found here."""
    roots = [os.path.join(sysconfig.get_paths()["stdlib"], "*.py"), "/usr/include/*.h", "/usr/include/linux/*.h", "/usr/share/doc/*/copyright"]
    files = sorted(f for root in roots for f in glob.glob(root))
    rng.shuffle(files)
    out = []
    for name in files:
        with open(name, encoding="utf-8", errors="ignore") as f:
            lines = f.read().split("\n")
        while lines and len(out) < count:
            n = rng.choice([1, 1, 1, 2, 5])
            out.append("\n".join(lines[:n]))
            lines = lines[n + rng.randrange(20):]
        if len(out) >= count: break
    return out


def generated_text(rng, blocks, added):
    kind = rng.randrange(8)
    if kind == 0: parts = ["".join(chr(c) for c in rng.choices(rng.choice(blocks), k=rng.randrange(1, 12))) for _ in range(6)]
    elif kind == 1: parts = rng.choices(EMOJI + WORDS, k=8)
    elif kind == 2: parts = [rng.choice(WORDS) + "".join(rng.choices(SPACES, k=rng.randrange(4))) for _ in range(8)]
    elif kind == 3: parts = [chr(rng.randrange(0x21)) for _ in range(6)] + rng.choices(WORDS, k=3)
    elif kind == 4: parts = [rng.choice("aeoAUñ가") + "".join(chr(rng.randrange(0x300, 0x370)) for _ in range(rng.randrange(4))) for _ in range(8)]
    elif kind == 5: parts = rng.choices(added + SPACES + WORDS, k=10)
    elif kind == 6: parts = [rng.choice(added) + rng.choice(["", "", " ", "  ", "a", "é", "_", ".", "\n"]) for _ in range(5)]
    else: parts = [chr(c) for c in rng.choices([c for b in rng.sample(blocks, 4) for c in b], k=30)]
    return rng.choice(["", "", " "]).join(parts) if kind != 1 else rng.choice(["", " ", "\u200d"]).join(parts)


def texts(rng, lines, added):
    assigned = [c for c in range(0x110000) if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")]
    blocks = [assigned[i:i + 96] for i in range(0, len(assigned), 96)]
    few = blocks[:60] + rng.sample(blocks[60:], 100)  # scripts more often than ideographs
    out = ["", " ", "\n", " " * 5000, "a" * 5000, "\u0301", "\x00", " \u180e ", "a\u0301" * 500]
    out += [f"a{chr(b[0])} " + "".join(map(chr, b)) for b in blocks] + [" x".join(map(chr, b)) for b in few]  # every character
    out += machine_texts(rng, lines // 2)
    while len(out) < lines: out.append(generated_text(rng, few, added))
    return out


CL100K = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
EOT, PAD = "<|endoftext|>", "<|padding|>"


def byte_level(**kw): return pre_tokenizers.ByteLevel(**{"add_prefix_space": False, **kw})


def families():
    """name -> (pre-tokenizer, normalizer, added tokens, edit of the finished JSON)"""
    nothing = lambda j: None
    special = [AddedToken(EOT, special=True, normalized=False), AddedToken(PAD, special=True, normalized=False)]
    stripping = special + [AddedToken("<L>", lstrip=True), AddedToken("<R>", rstrip=True), AddedToken("<LR>", lstrip=True, rstrip=True),
                           AddedToken("word", single_word=True), AddedToken("Éé", normalized=True), AddedToken("<s>", special=True, lstrip=True, normalized=False),
                           AddedToken("wo", normalized=False), AddedToken(" \n", normalized=False)]
    spaces = [AddedToken(" " * n, normalized=True) for n in range(24, 1, -1)]
    S, N = pre_tokenizers.Sequence, normalizers.Sequence
    split = lambda p, b, **kw: pre_tokenizers.Split(p, b, **kw)
    word = Regex(r"\w+|[^\w\s]+")

    def text_merges(j): j["model"]["merges"] = [m if isinstance(m, str) else " ".join(m) for m in j["model"]["merges"]]
    def ignore_merges(j): j["model"]["ignore_merges"] = True
    def unknown(j):
        merged = {c for m in j["model"]["merges"] for part in m for c in part}
        missing = [t for t in j["model"]["vocab"] if len(t) == 1 and t not in merged]
        for t in missing[::2]: j["model"]["vocab"].pop(t)
        j["model"].update(unk_token=EOT, fuse_unk=True)
    yield "gpt2", byte_level(), None, special[:1], nothing
    yield "gpt2, text merges", byte_level(), None, special[:1], text_merges
    yield "prefix space", byte_level(add_prefix_space=True), None, special, nothing
    yield "gpt-neox", byte_level(), normalizers.NFC(), special + spaces, nothing
    yield "llama3", S([split(Regex(CL100K), "isolated"), byte_level(use_regex=False)]), None, special, ignore_merges
    yield "stripping tokens", byte_level(), normalizers.NFC(), stripping, nothing
    yield "stripping, nfkc lower", byte_level(), N([normalizers.NFKC(), normalizers.Lowercase()]), stripping, nothing
    yield "nfd", byte_level(), normalizers.NFD(), special, nothing
    yield "nfkd strip", byte_level(), N([normalizers.NFKD(), normalizers.Strip()]), special, nothing
    yield "prepend replace", byte_level(), N([normalizers.Prepend("_"), normalizers.Replace(Regex(r"\s+"), "  "), normalizers.Replace(".", "!")]), special, nothing
    yield "digits punctuation", S([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.Punctuation("contiguous"), byte_level()]), None, special, nothing
    yield "digits whitespace", S([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Digits(), pre_tokenizers.Punctuation(), byte_level(add_prefix_space=True)]), None, special, nothing
    yield "whitespace", S([pre_tokenizers.Whitespace(), byte_level(use_regex=False)]), None, special, nothing
    for behavior in ("removed", "merged_with_previous", "merged_with_next", "contiguous"):
        yield f"split {behavior}", S([split(word, behavior), split(" ", behavior), byte_level(use_regex=False)]), None, special, nothing
    yield "split inverted", S([split(word, "removed", invert=True), byte_level(use_regex=False)]), None, special, nothing
    yield "word edges", S([split(Regex(r"\b\w|\W\b|\h{2}|(?m).$"), "isolated"), byte_level(use_regex=False)]), None, special, nothing
    yield "unknown token", byte_level(), None, special[:1], unknown


def make(family, sample, folder, vocabulary):
    name, pre, norm, added, edit = family
    t = Tokenizer(models.BPE()); t.pre_tokenizer = pre; t.decoder = decoders.ByteLevel()
    if norm: t.normalizer = norm
    t.train_from_iterator(sample, trainers.BpeTrainer(vocab_size=vocabulary, special_tokens=[EOT], show_progress=False,
                                                      initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    for token in added: (t.add_special_tokens if token.special else t.add_tokens)([token])
    if name == "llama3":
        t.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), processors.TemplateProcessing(
            single=f"{EOT}:0 $A:0", special_tokens=[(EOT, t.token_to_id(EOT))])])
    else: t.post_processor = processors.ByteLevel(trim_offsets=True)
    j = json.loads(t.to_str()); edit(j)
    os.makedirs(folder, exist_ok=True)
    with open(folder + "/tokenizer.json", "w") as f: json.dump(j, f)
    return Tokenizer.from_file(folder + "/tokenizer.json")


def run(program, folder, lines, *flags):
    start = time.perf_counter()
    p = subprocess.run([program, "--tokenizer", folder, *flags], input="".join(json.dumps(l) + "\n" for l in lines).encode(), stdout=subprocess.PIPE)
    if p.returncode: sys.exit(f"{program} ended with status {p.returncode}")
    return [json.loads(l) for l in p.stdout.decode().split("\n")[:-1]], time.perf_counter() - start


def differing(what, name, inputs, ours, theirs):
    wrong = [i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b] if len(ours) == len(theirs) else [0]
    for i in wrong[:3]: print(f"  {name}: {what} of {inputs[i]!r:.300}\n    ours   {ours[i]!r:.300}\n    theirs {theirs[i]!r:.300}")
    return len(wrong)


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("--program", required=True); ap.add_argument("--lines", type=int, default=20000)
    ap.add_argument("--seed", type=int, default=0); ap.add_argument("--keep", help="keep the tokenizer folders here")
    ap.add_argument("--only", help="only families whose name holds this")
    a = ap.parse_args()
    wrong_in_all = 0
    with tempfile.TemporaryDirectory() as temporary:
        for n, family in enumerate(f for f in families() if not a.only or a.only in f[0]):
            name, rng = family[0], random.Random(a.seed)
            lines = texts(rng, a.lines, [t.content for t in family[3]])
            rng.shuffle(lines)
            folder = os.path.join(a.keep or temporary, name.replace(" ", "_").replace(",", ""))
            reference = make(family, lines[:4000], folder, 1500 + 500 * (n % 4))
            start = time.perf_counter()
            ids = [reference.encode(l).ids for l in lines]
            theirs_s = time.perf_counter() - start
            ours, ours_s = run(a.program, folder, [{"text": l} for l in lines])
            wrong = differing("ids", name, lines, [o["ids"] for o in ours], ids)
            size = reference.get_vocab_size()
            ids += [[rng.randrange(size + 3) for _ in range(rng.randrange(12))] for _ in range(2000)]  # broken UTF-8, unknown ids
            for flags, skip in (([], False), (["--no-special-tokens"], True)):
                ours, _ = run(a.program, folder, [{"ids": i} for i in ids], "--decode", *flags)
                wrong += differing("text", name, ids, [o["text"] for o in ours], [reference.decode(i, skip_special_tokens=skip) for i in ids])
            wrong_in_all += wrong
            mb = sum(len(l.encode()) for l in lines) / 1e6
            print(f"{name:22s} {len(lines)} texts, {mb:.1f} MB, {size} tokens: {'equal' if not wrong else f'{wrong} DIFFER'}; "
                  f"encoding {mb / ours_s:.1f} MB/s (process and JSON counted), tokenizers {__version__} {mb / theirs_s:.1f} MB/s", flush=True)
    print("all equal" if not wrong_in_all else f"{wrong_in_all} differ")
    sys.exit(bool(wrong_in_all))


if __name__ == "__main__":
    main()
