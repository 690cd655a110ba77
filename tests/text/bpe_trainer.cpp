// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/text/bpe_trainer.hpp>

#include "../support/temporary_folder.hpp"

using namespace proximal;
using namespace proximal::text;
using texts = std::vector<std::string>;

TEST_CASE("bpe_trainer: the most frequent pair first, of equals the one of smaller ids") {
    auto const t = train_bpe(texts{"ab ab ab", "cd cd", "aaaa"}, {.vocabulary_size = 263});
    CHECK(t.token_of(0) == "<|endoftext|>");
    CHECK(t.token_of(1) == "[PAD]");
    CHECK(t.token_of(2) == "!");
    CHECK(t.size() == 263);
    // ab and aa stand 3 times each; joining aa in aaaa leaves aa|aa once
    CHECK(t.token_of(258) == "aa");
    CHECK(t.token_of(259) == "ab");
    CHECK(t.token_of(260) == "cd");  // 2 times; as often as Ġab, but c comes before Ġ
    CHECK(t.token_of(261) == "Ġab");
    CHECK(t.token_of(262) == "Ġcd");  // once, as aaaa, but Ġ comes before aa
    CHECK(t.encode(" abcd<|endoftext|>") == std::vector<std::int64_t>{261, 260, 0});
    CHECK(t.eos_token_id() == 0);
    CHECK(t.pad_token_id() == 1);
}

TEST_CASE("bpe_trainer: stops when no pair is left, refuses what cannot be") {
    CHECK(train_bpe(texts{"ab"}).size() == 259);
    CHECK(train_bpe(texts{"ab"}, {.min_frequency = 2}).size() == 258);
    CHECK(train_bpe(texts{}).size() == 258);
    CHECK_THROWS_WITH(bpe_trainer({.vocabulary_size = 257}), Catch::Contains("257 tokens is too small"));
}

TEST_CASE("bpe_trainer: the folder it saves is read back to the same tokenizer") {
    support::temporary_folder const folder;
    texts const corpus{"the theme of the thing", "these are the things", "naïve café, naïve thé"};
    auto const learnt = train_bpe(corpus, {.vocabulary_size = 280, .more_special_tokens = {"<|user|>"}});
    learnt.save(folder.path);
    auto const read = tokenizer::load(folder.path);
    CHECK(read.size() == 280);
    CHECK(read.pad_token_id() == learnt.pad_token_id());
    for (auto const& text : corpus) {
        CHECK(read.encode(text) == learnt.encode(text));
        CHECK(read.decode(read.encode(text)) == text);
    }
}
