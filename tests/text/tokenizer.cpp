// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/text/tokenizer.hpp>

#include "../support/temporary_folder.hpp"
#include "../support/tiny_tokenizer.hpp"

using namespace proximal;
using namespace proximal::text;
using Catch::Contains;
using Catch::StartsWith;
using nlohmann::json;
using ids = std::vector<std::int64_t>;

namespace {
tokenizer_config config(json settings) {
    tokenizer_config c;
    c.settings = std::move(settings);
    return c;
}
}  // namespace

TEST_CASE("tokenizer: bytes, merges by rank, and back") {
    tokenizer const t(support::tiny_tokenizer());
    CHECK(t.encode("hello world") == ids{258, 'o', 259, 'o', 'r', 'l', 'd'});  // hell o Ġw o r l d
    CHECK(t.encode("") == ids{});
    CHECK(t.encode("é") == ids{0xC3, 0xA9});
    for (auto const* const text : {"hello world", " \n\t x  ", "naïve 日本 👩‍👩‍👧‍👦", ""})
        CHECK(t.decode(t.encode(text)) == text);
    CHECK(t.size() == 262);
    CHECK(t.token_of(259) == "Ġw");
    CHECK(t.id_of("hell") == 258);
    CHECK_FALSE(t.id_of("nothing").has_value());
    CHECK_THROWS_WITH(t.token_of(262), "the id 262 has no token; ids go from 0 to 261");
    CHECK_THROWS_WITH(t.encode("ab\xFF"), StartsWith("the text is no valid UTF-8 at byte 2"));
}

TEST_CASE("tokenizer: broken bytes decode to U+FFFD, ids without a token to nothing") {
    tokenizer const t(support::tiny_tokenizer());
    CHECK(t.decode(ids{'a', 0xC3, 'b', 0xE2, 0x82}) == "a\uFFFDb\uFFFD");
    CHECK(t.decode(ids{'a', 5000, -1, 'b', 261}) == "ab<eos>");
    CHECK(t.decode(ids{'a', 261, 'b'}, true) == "ab");
}

TEST_CASE("tokenizer: special tokens around, by template or by the flags of GPTNeoXTokenizer") {
    auto file = support::tiny_tokenizer();
    file["post_processor"] = {{"type", "Sequence"},
                              {"processors",
                               {{{"type", "ByteLevel"}},
                                {{"type", "TemplateProcessing"},
                                 {"single", {{{"SpecialToken", {{"id", "<eos>"}}}}, {{"Sequence", {{"id", "A"}}}}}},
                                 {"special_tokens", {{"<eos>", {{"ids", {261}}}}}}}}}};
    CHECK(tokenizer(file).encode("x") == ids{261, 'x'});
    CHECK(tokenizer(file).encode("x", false) == ids{'x'});
    auto settings = json{{"tokenizer_class", "GPTNeoXTokenizer"},
                         {"eos_token", "<eos>"},
                         {"bos_token", "<eos>"},
                         {"unk_token", "<eos>"}};
    CHECK(tokenizer(file, config(settings)).encode("x") == ids{'x'});
    settings["add_eos_token"] = true;
    settings["add_prefix_space"] = true;
    CHECK(tokenizer(file, config(settings)).encode("w") == ids{259, 261});
}

TEST_CASE("tokenizer: roles come from the config, as text or as an object, and missing tokens are added") {
    tokenizer const t(support::tiny_tokenizer(),
                      config({{"eos_token", {{"content", "<eos>"}}}, {"bos_token", "<new>"}, {"pad_token", nullptr}}));
    CHECK(t.eos_token_id() == 261);
    CHECK(t.bos_token_id() == 262);
    CHECK_FALSE(t.pad_token_id().has_value());
    CHECK(t.encode("a<new>") == ids{'a', 262});
}

TEST_CASE("tokenizer: a pad token is found or added, saved and read back") {
    support::temporary_folder const folder;
    tokenizer t(support::tiny_tokenizer(), config({{"eos_token", "<eos>"}, {"another key", 3}}));
    CHECK(t.add_pad_token("<eos>") == 261);
    CHECK(t.size() == 262);
    CHECK(t.add_pad_token() == 262);
    CHECK(t.add_pad_token() == 262);
    t.save(folder.path / "new");
    auto const again = tokenizer::load(folder.path / "new");
    CHECK(again.size() == 263);
    CHECK(again.pad_token_id() == 262);
    CHECK(again.eos_token_id() == 261);
    CHECK(again.encode("hello[PAD]") == ids{258, 'o', 262});
    CHECK(json::parse(support::read_text(folder.path / "new/tokenizer.json"))["a key of a later version"] == 7);
    CHECK(json::parse(support::read_text(folder.path / "new/tokenizer_config.json"))["another key"] == 3);
    CHECK(json::parse(support::read_text(folder.path / "new/special_tokens_map.json"))["pad_token"] == "[PAD]");
}

TEST_CASE("tokenizer: a new token's id lies after the greatest, also where the vocabulary has holes") {
    auto file = support::tiny_tokenizer();
    file["model"]["vocab"]["zz"] = 300;
    tokenizer t(file);
    CHECK(t.add_pad_token() == 301);
    CHECK(t.token_of(300) == "zz");
}

TEST_CASE("tokenizer: null in a settings file is as nothing, and a value of the wrong type is named") {
    tokenizer_config config;
    config.settings = {{"tokenizer_class", "GPTNeoXTokenizerFast"},
                       {"add_prefix_space", nullptr},
                       {"add_bos_token", nullptr},
                       {"add_eos_token", nullptr},
                       {"eos_token", "<eos>"},
                       {"additional_special_tokens", nullptr}};
    auto file = support::tiny_tokenizer();
    file["added_tokens"][0]["single_word"] = nullptr;
    file["model"]["fuse_unk"] = nullptr;
    CHECK(tokenizer(file, config).encode("hello") == tokenizer(support::tiny_tokenizer()).encode("hello"));
    config.settings["add_prefix_space"] = "yes";
    CHECK_THROWS_WITH(tokenizer(file, config), Catch::Contains("the key \"add_prefix_space\" holds \"yes\""));
}

TEST_CASE("tokenizer: what cannot be read is named, with the remedy") {
    support::temporary_folder const folder;
    CHECK_THROWS_WITH(tokenizer::load(folder.path / "no"), Contains("is no folder"));
    CHECK_THROWS_WITH(tokenizer::load(folder.path), Contains("holds no tokenizer.json") && Contains("save_pretrained"));
    std::ofstream(folder.path / "tokenizer.json") << "{\"model\": ";
    CHECK_THROWS_WITH(tokenizer::load(folder.path), Contains("tokenizer.json is no valid JSON"));
    auto const refused = [&](auto edit) {
        auto file = support::tiny_tokenizer();
        edit(file);
        support::write_json(folder.path / "tokenizer.json", file);
        try {
            tokenizer::load(folder.path);
        } catch (std::runtime_error const& error) {
            return std::string(error.what());
        }
        return std::string("accepted");
    };
    CHECK(refused([](json&) {}) == "accepted");
    CHECK_THAT(refused([](json& j) { j["model"]["type"] = "Unigram"; }), Contains("'Unigram' is not supported"));
    CHECK_THAT(refused([](json& j) { j["model"]["byte_fallback"] = true; }), Contains("byte_fallback"));
    CHECK_THAT(refused([](json& j) { j["model"]["dropout"] = 0.1; }), Contains("dropout"));
    CHECK_THAT(refused([](json& j) { j["model"]["merges"].push_back("q z"); }),
               Contains("'qz', which is not in the vocabulary"));
    CHECK_THAT(refused([](json& j) { j["model"]["merges"].push_back("a b c"); }), Contains("is no pair"));
    CHECK_THAT(refused([](json& j) { j["model"]["vocab"]["b"] = 97; }), Contains("have the same id 97"));
    CHECK_THAT(refused([](json& j) { j["model"]["vocab"]["c"] = -1; }), Contains("impossible id -1"));
    CHECK_THAT(refused([](json& j) { j["model"]["unk_token"] = "<unk>"; }), Contains("unk_token"));
    CHECK_THAT(refused([](json& j) { j["model"].erase("vocab"); }), Contains("lacks what it needs"));
    CHECK_THAT(refused([](json& j) { j["normalizer"] = {{"type", "BertNormalizer"}}; }), Contains("'BertNormalizer'"));
    CHECK_THAT(refused([](json& j) { j["pre_tokenizer"] = {{"type", "Metaspace"}}; }), Contains("'Metaspace'"));
    CHECK_THAT(refused([](json& j) {
                   j["post_processor"] = {{"type", "BertProcessing"}};
               }),
               Contains("'BertProcessing'"));
    CHECK_THAT(refused([](json& j) { j["decoder"] = {{"type", "WordPiece"}}; }), Contains("WordPiece"));
    CHECK_THAT(refused([](json& j) {
                   j["added_tokens"].push_back({{"id", 3}, {"content", "a"}});
               }),
               Contains("the vocabulary says 97"));
}

TEST_CASE("tokenizer: a broken file beside tokenizer.json is an error too") {
    support::temporary_folder const folder;
    support::write_json(folder.path / "tokenizer.json", support::tiny_tokenizer());
    support::write_json(folder.path / "tokenizer_config.json", {{"eos_token", 3}});
    CHECK_THROWS_WITH(tokenizer::load(folder.path), Contains("lacks what it needs"));
    support::write_json(folder.path / "tokenizer_config.json", {{"added_tokens_decoder", {{"x", {{"content", "y"}}}}}});
    CHECK_THROWS_WITH(tokenizer::load(folder.path), Contains("cannot be used"));
    std::ofstream(folder.path / "tokenizer_config.json") << "[";
    CHECK_THROWS_WITH(tokenizer::load(folder.path), Contains("tokenizer_config.json is no valid JSON"));
}

TEST_CASE("tokenizer: chat by TRL's template; another template is refused") {
    json const messages = {{{"role", "SYSTEM"}, {"content", "Be brief."}}, {{"role", "user"}, {"content", "Hi"}}};
    CHECK(tokenizer(support::tiny_tokenizer()).chat(messages) == "System: Be brief.\n\nUser: Hi\n\nAssistant:");
    CHECK_NOTHROW(
        tokenizer(support::tiny_tokenizer(), config({{"chat_template", simple_chat_template}})).chat(messages));
    CHECK_THROWS_WITH(tokenizer(support::tiny_tokenizer(), config({{"chat_template", "{{ x }}"}})).chat(messages),
                      Contains("not interpreted"));
    CHECK_THROWS_WITH(simple_chat({{{"role", "user"}}}), Contains("\"content\""));
    CHECK_THROWS_WITH(simple_chat("hi"), Contains("must be a list"));
}
