// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/text/prompt_dataset.hpp>
#include <set>

#include "../support/gzip.hpp"
#include "../support/temporary_folder.hpp"
#include "../support/tiny_tokenizer.hpp"

using namespace proximal;
using namespace proximal::text;
using Catch::Contains;

namespace {
tokenizer const& tiny() {
    static tokenizer const t(support::tiny_tokenizer());
    return t;
}
}  // namespace

TEST_CASE("prompt_dataset: prompts and messages, blank lines passed over, progress to the end") {
    support::temporary_folder const folder;
    auto const path = folder.path / "a.jsonl";
    std::ofstream(path) << R"({"prompt": "hello", "more": 1})"
                           "\n\n"
                           R"({"messages": [{"role": "user", "content": "hi"}]})"
                           "\r\n";
    std::size_t done = 0, total = 0;
    auto const data = load_prompts(path, tiny(), [&](std::size_t d, std::size_t t) { done = d, total = t; });
    REQUIRE(data.prompts.size() == 2);
    CHECK(data.prompts[0] == tiny().encode("hello"));
    CHECK(tiny().decode(data.prompts[1]) == "User: hi\n\nAssistant:");
    CHECK(done == total);
    CHECK(total == 2);
}

TEST_CASE("prompt_dataset: what is wrong is said, with its line") {
    support::temporary_folder const folder;
    auto const of = [&](std::string const& content) {
        std::ofstream(folder.path / "a.jsonl") << content;
        return load_prompts(folder.path / "a.jsonl", tiny());
    };
    CHECK_THROWS_WITH(of(""), Contains("a.jsonl holds no prompts"));
    CHECK_THROWS_WITH(of("{\"prompt\": \"a\"}\n{oops\n"),
                      Contains("line 2 cannot be used: is no valid JSON from character 2 on"));
    CHECK_THROWS_WITH(of("{\"text\": \"a\"}\n"),
                      Contains("line 1 cannot be used: it holds neither a text \"prompt\" nor a list \"messages\""));
    CHECK_THROWS_WITH(of("\n\n{\"text\": \"a\"}\n"), Contains("line 3 cannot be used"));
    CHECK_THROWS_WITH(of("[{\"prompt\": \"a\"}, 1]\n"), Contains("object 2 cannot be used"));
    CHECK_THROWS_WITH(of("[{\"prompt\": \"a\"},\n"), Contains("a.jsonl is no valid JSON"));
    CHECK_THROWS_WITH(load_prompts(folder.path / "data", tiny()), Contains("does not exist"));
    std::filesystem::create_directory(folder.path / "data");
    CHECK_THROWS_WITH(load_prompts(folder.path / "data", tiny()), Contains("holds no data files"));
    CHECK_THROWS_WITH(load_prompts(folder.path / "no.jsonl", tiny()), Contains("no.jsonl does not exist"));
    CHECK_THROWS_WITH(of("{\"text\": \"a\", \"n\": 1}\n"), Contains("its columns are n, text"));
    CHECK_THROWS_WITH(of("{}\n"), Contains("it has no columns"));
}

TEST_CASE("prompt_dataset: CSV, JSON and compressed files are read as they are, others named") {
    support::temporary_folder const folder;
    auto const of = [&](std::string const& content, std::string const& name = "a.jsonl") {
        support::write_bytes(folder.path / name, content);
        return load_prompts(folder.path / name, tiny());
    };
    CHECK(of("prompt,score\nhello,1\n", "a.csv").prompts == token_rows{tiny().encode("hello")});
    CHECK_THROWS_WITH(of("text,score\nhello,1\n", "a.csv"),
                      Contains("a.csv line 2 cannot be used") && Contains("its columns are score, text"));
    CHECK_THROWS_WITH(of("prompt,score\nhello,1\n"), Contains("no list of JSON objects but something else"));
    CHECK_THROWS_WITH(of("PAR1\x15\x04"), Contains("a Parquet file") && Contains("from_parquet"));
    CHECK_THROWS_WITH(of("\x1f\x8b\x08\x01"), Contains("compressed by gzip"));
    CHECK_THROWS_WITH(of("\xff\xfe{"), Contains("UTF-16"));
    CHECK_THROWS_WITH(of("{\"prompt\": \"caf\xe9\"}\n"), Contains("line 1 cannot be used: is not UTF-8 at byte"));
    CHECK(of("\xef\xbb\xbf{\"prompt\": \"hello\"}\n").prompts.size() == 1);
    auto const array = of("\n [{\"prompt\": \"hello\"},\n  {\"prompt\": \"hi\"}]\n");
    CHECK((array.prompts.size() == 2 && array.records[1]["prompt"] == "hi"));
    support::write_gzip(folder.path / "a.jsonl.gz", "{\"prompt\": \"hello\"}\n");
    CHECK(load_prompts(folder.path / "a.jsonl.gz", tiny()).prompts == token_rows{tiny().encode("hello")});
}

TEST_CASE("prompt_dataset: options of a split: names, longest prompt, query of several fields, formats, cache") {
    support::temporary_folder const folder;
    auto const data = folder.path / "data";
    support::write_bytes(data / "train.jsonl",
                         "{\"prompt\": \"\"}\n{\"prompt\": \"abcdef\"}\n{\"prompt\": \"ab\"}\n{\"prompt\": \"ba\"}\n");
    support::write_bytes(data / "test.jsonl", "{\"prompt\": \"t\"}\n");
    support::write_bytes(data / "other.jsonl", "{\"prompt\": \"o\"}\n");
    prompt_options options{.eval_fraction = 0.5, .max_prompt_length = 3, .how = {.cache = folder.path / "cache"}};
    auto const parts = load_prompt_split(data.string(), tiny(), options);
    CHECK(parts.train.prompts == token_rows{{'a', 'b'}, {'b', 'a'}});
    CHECK((parts.train.left_out == 1 && parts.train.too_long == 1));
    CHECK(parts.eval.prompts == token_rows{{'t'}});
    CHECK(std::filesystem::exists(folder.path / "cache/tokens"));
    options.splits = {"test", "other"};
    CHECK(load_prompt_split(data.string(), tiny(), options).eval.prompts == token_rows{{'o'}});
    options.splits = {};
    options.max_prompt_length = 1;
    CHECK_THROWS_WITH(load_prompt_split(data.string(), tiny(), options),
                      Contains("all prompts of") && Contains("--max_prompt_length 1"));

    support::write_bytes(folder.path / "q.odd", "ODD!");
    options.max_prompt_length = 5;
    options.eval_fraction = 0;
    options.query = query_format{"{a}:{b}!", "b"};
    options.formats = {{"odd", [](std::string_view start, auto const&) { return start.starts_with("ODD"); },
                        [](std::filesystem::path const& path) {
                            return record_table{{{{"a", "x"}, {"b", "abc\ny\nz"}}, {{"a", "long"}, {"b", "b"}}},
                                                {1, 2},
                                                {{path, "row"}}};
                        }}};
    auto const queries = load_prompt_split((folder.path / "q.odd").string(), tiny(), options).train;
    CHECK(queries.prompts == token_rows{tiny().encode("x:!")});
    CHECK(queries.too_long == 1);
    options.max_prompt_length = 7;
    CHECK(tiny().decode(load_prompt_split((folder.path / "q.odd").string(), tiny(), options).train.prompts.at(0)) ==
          "x:abc!");
    options.query->text = "{a}{c}{b}";
    CHECK_THROWS_WITH(load_prompt_split((folder.path / "q.odd").string(), tiny(), options),
                      Contains("q.odd row 1 cannot be used: it has no column \"c\"; its columns are a, b"));
}

TEST_CASE("prompt_dataset: conversations are prompts whatever field holds them, without the answer at their end") {
    support::temporary_folder const folder;
    auto const of = [&](std::string const& content) {
        std::ofstream(folder.path / "a.jsonl") << content;
        return tiny().decode(load_prompts(folder.path / "a.jsonl", tiny()).prompts.at(0));
    };
    std::string const question = R"({"role": "user", "content": "Q"})",
                      answer = R"({"role": "assistant", "content": "A"})";
    for (std::string const field : {"prompt", "messages"}) {
        CHECK(of("{\"" + field + "\": [" + question + "]}") == "User: Q\n\nAssistant:");
        CHECK(of("{\"" + field + "\": [" + question + ", " + answer + "]}") == "User: Q\n\nAssistant:");
        CHECK(of("{\"" + field + "\": [" + question + ", " + answer + ", " + question + ", " + answer + ", " + answer +
                 "]}") == "User: Q\n\nAssistant: A\n\nUser: Q\n\nAssistant:");
        CHECK_THROWS_WITH(of("{\"" + field + "\": [" + answer + "]}"), Contains("no message to answer"));
        CHECK_THROWS_WITH(of("{\"" + field + "\": []}"), Contains("no message to answer"));
    }
}

TEST_CASE("prompt_dataset: a prompt that brings its BOS does not get a second one") {
    tokenizer_config config;
    config.settings = {{"tokenizer_class", "GPTNeoXTokenizerFast"}, {"add_bos_token", true}, {"bos_token", "<eos>"}};
    tokenizer const t(support::tiny_tokenizer(), config);
    auto const plain = prompt_ids({{"prompt", "hello"}}, t);
    CHECK(plain.front() == *t.bos_token_id());
    CHECK(prompt_ids({{"prompt", "<eos>hello"}}, t) == plain);
    CHECK(prompt_ids({{"prompt", "hello<eos>hello"}}, t).size() == 2 * plain.size());
}

TEST_CASE("prompt_dataset: a prompt of no tokens, or of too many, is left out and counted") {
    support::temporary_folder const folder;
    std::ofstream(folder.path / "a.jsonl") << "{\"prompt\": \"\"}\n{\"prompt\": \"a\"}\n{\"prompt\": \"abcdefgh\"}\n";
    auto const data = load_prompts(folder.path / "a.jsonl", tiny());
    CHECK((data.prompts.size() == 2 && data.left_out == 1 && data.lines == std::vector<std::size_t>{2, 3}));
    auto const kept = leave_out_long(data, 3);
    CHECK((kept.prompts.size() == 1 && kept.left_out == 2 && kept.records.size() == 1));
    CHECK(kept.lines == std::vector<std::size_t>{2});
}

TEST_CASE("prompt_dataset: split draws by the seed alone, loses nothing") {
    prompt_dataset data;
    for (std::int64_t i = 0; i < 100; ++i) data.prompts.push_back({i});
    auto const parts = split(data, 0.1, 1);
    CHECK(parts.eval.prompts.size() == 10);
    std::set<std::vector<std::int64_t>> all(parts.train.prompts.begin(), parts.train.prompts.end());
    all.insert(parts.eval.prompts.begin(), parts.eval.prompts.end());
    CHECK(all.size() == 100);
    CHECK(split(data, 0.1, 1).eval.prompts == parts.eval.prompts);
    CHECK(split(data, 0.1, 2).eval.prompts != parts.eval.prompts);
    CHECK(split(data, 0.0, 1).eval.prompts.empty());
    CHECK(split(data, 0.001, 1).eval.prompts.size() == 1);
    CHECK_THROWS_WITH(split(data, 1.0, 1), Contains("must lie in [0, 1)"));
    CHECK_THROWS_WITH(split(prompt_dataset{{{1}}}, 0.5, 1), Contains("too few"));
}

TEST_CASE("prompt_dataset: a folder brings its own evaluation prompts") {
    support::temporary_folder const folder;
    std::ofstream(folder.path / "train.jsonl") << "{\"prompt\": \"a\"}\n{\"prompt\": \"b\"}\n";
    CHECK(load_prompt_split(folder.path, tiny(), 0.5, 0).train.prompts.size() == 1);
    std::ofstream(folder.path / "test.jsonl") << "{\"prompt\": \"t\"}\n";
    CHECK(load_prompt_split(folder.path, tiny(), 0.5, 0).eval.prompts == std::vector<std::vector<std::int64_t>>{{'t'}});
    std::ofstream(folder.path / "validation.jsonl") << "{\"prompt\": \"v\"}\n";
    auto const parts = load_prompt_split(folder.path, tiny(), 0.5, 0);
    CHECK(parts.eval.prompts == std::vector<std::vector<std::int64_t>>{{'v'}});
    CHECK(parts.train.prompts.size() == 2);
}

TEST_CASE("prompt_dataset: rows that the dataset's card counts and its files lack are noted, of either split") {
    support::temporary_folder const folder;
    support::write_bytes(folder.path / "train.jsonl", "{\"prompt\": \"ab\"}\n{\"prompt\": \"ba\"}\n");
    support::write_bytes(folder.path / "test.jsonl", "{\"prompt\": \"t\"}\n");
    auto const card = [&](std::string const& train, std::string const& test) {
        support::write_bytes(folder.path / "README.md",
                             "---\ndataset_info:\n  splits:\n  - name: train\n    num_examples: " + train +
                                 "\n  - name: test\n    num_examples: " + test + "\n---\n");
        return load_prompt_split(folder.path.string(), tiny(), prompt_options{});
    };
    CHECK((card("2", "1").train.note.empty() && card("2", "1").eval.note.empty()));
    auto const parts = card("5", "4");
    CHECK_THAT(parts.train.note, Contains(folder.path.string() + " holds 2 rows and its card says 5"));
    CHECK_THAT(parts.eval.note, Contains("'s held-out split holds 1 rows and its card says 4"));
    CHECK(leave_out_long(parts.train, 1).note == parts.train.note);
    std::filesystem::remove(folder.path / "test.jsonl");
    CHECK(card("5", "4").train.note == parts.train.note);  // also where a share is held out
}
