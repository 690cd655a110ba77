// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/text/encode_rows.hpp>

#include "../support/fake_machine.hpp"
#include "../support/gzip.hpp"
#include "../support/tiny_tokenizer.hpp"

using namespace proximal;
using namespace proximal::text;

namespace {
std::vector<std::string> many_texts() {
    std::vector<std::string> texts;
    for (int i = 0; i < 500; ++i) texts.push_back(i % 7 == 0 ? "" : "hello wool " + std::to_string(i * i));
    return texts;
}
// What encode_rows gives, and how many rows it made anew.
std::pair<token_rows, int> encoded(std::vector<std::string> const& texts, tokenizer const& tokenizer,
                                   encoding const& how) {
    std::atomic<int> made = 0;
    io::running_hash hash;
    for (auto const& text : texts) hash.add(text);
    auto rows = encode_rows(
        texts.size(), [&](std::size_t i) { return ++made, tokenizer.encode(texts[i]); }, hash, tokenizer, how);
    return {std::move(rows), made};
}
std::vector<std::filesystem::path> files_below(std::filesystem::path const& folder) {
    std::vector<std::filesystem::path> files;
    for (auto const& entry : std::filesystem::recursive_directory_iterator(folder))
        if (entry.is_regular_file()) files.push_back(entry.path());
    return files;
}
}  // namespace

TEST_CASE("encode_rows: the same rows on one thread, on several, and from the cache (--dataset_num_proc)") {
    support::temporary_folder const folder;
    tokenizer const tiny(support::tiny_tokenizer());
    auto const texts = many_texts();
    token_rows expected;
    for (auto const& text : texts) expected.push_back(tiny.encode(text));
    CHECK(encoded(texts, tiny, {.threads = 1}) == std::pair(expected, 500));
    CHECK(encoded(texts, tiny, {.threads = 4}) == std::pair(expected, 500));
    CHECK(encoded(texts, tiny, {.threads = 4, .cache = folder.path}) == std::pair(expected, 500));
    std::size_t done = 0, total = 0;
    auto const progress = [&](std::size_t d, std::size_t t) { done = d, total = t; };
    CHECK(encoded(texts, tiny, {.progress = progress, .cache = folder.path}) == std::pair(expected, 0));
    CHECK((done == 500 && total == 500));
    CHECK(encoded({}, tiny, {.cache = folder.path}).first.empty());
}

TEST_CASE("encode_rows: another text, boundary, tokenizer or added token is another key") {
    support::temporary_folder const folder;
    encoding const how{.cache = folder.path};
    tokenizer tiny(support::tiny_tokenizer());
    CHECK(encoded({"ab", "c"}, tiny, how).second == 2);
    CHECK(encoded({"ab", "c"}, tiny, how).second == 0);
    CHECK(encoded({"a", "bc"}, tiny, how).second == 2);
    CHECK(encoded({"c", "ab"}, tiny, how).second == 2);
    CHECK(encoded({"ab", "c"}, tokenizer(support::tiny_tokenizer({"h e"})), how).second == 2);
    tokenizer_config config;
    config.settings = {{"tokenizer_class", "GPTNeoXTokenizerFast"}, {"add_bos_token", true}, {"bos_token", "<eos>"}};
    CHECK(encoded({"ab", "c"}, tokenizer(support::tiny_tokenizer(), config), how).second == 2);
    tiny.add_pad_token("b");
    CHECK(encoded({"ab", "c"}, tiny, how).second == 2);
}

TEST_CASE("encode_rows: a damaged cache is made again, one that cannot be written is no error") {
    support::temporary_folder const folder;
    tokenizer const tiny(support::tiny_tokenizer());
    auto const texts = many_texts();
    encoding const how{.cache = folder.path};
    auto const expected = encoded(texts, tiny, how).first;
    auto const file = files_below(folder.path).at(0);
    CHECK(files_below(folder.path).size() == 1);
    auto const whole = support::read_text(file);
    for (auto const& bytes :
         {std::string(), whole.substr(0, 20), whole.substr(0, whole.size() - 1), whole + "x",
          whole.substr(0, 1000) + char(whole[1000] + 1) + whole.substr(1001), std::string(5000, '\xff')}) {
        support::write_bytes(file, bytes);
        CHECK(encoded(texts, tiny, how) == std::pair(expected, 500));
        CHECK(support::read_text(file) == whole);
    }
    support::write_bytes(folder.path / "file", "no folder");
    CHECK(encoded(texts, tiny, {.cache = folder.path / "file"}) == std::pair(expected, 500));
}
