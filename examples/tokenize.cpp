// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cstdio>
#include <iostream>
#include <proximal/run/flags.hpp>
#include <proximal/run/program.hpp>
#include <proximal/text/tokenizer.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

struct options {
    std::string tokenizer;
    bool decode = false, no_special_tokens = false;
    static constexpr auto knobs = proximal::reflect(
        proximal::knob<"tokenizer">(&options::tokenizer, "folder with tokenizer.json"),
        proximal::knob<"decode">(&options::decode, "the reverse: {\"ids\": [...]} to {\"text\": ...}"),
        proximal::knob<"no_special_tokens">(&options::no_special_tokens, "add none; with --decode, leave them out"));
};

/// A line's other form; throws std::invalid_argument, a sentence, where it is not what is asked for.
nlohmann::json converted(proximal::text::tokenizer const& tokenizer, std::string const& text, bool decode,
                         bool special_tokens) {
    auto const line = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (line.is_discarded()) throw std::invalid_argument("it is no JSON");
    auto const* const name = decode ? "ids" : "text";
    if (!line.is_object() || !line.contains(name))
        throw std::invalid_argument(fmt::format("it has no field \"{}\"", name));
    auto const& value = line[name];
    if (!decode) {
        if (!value.is_string()) throw std::invalid_argument("\"text\" is no text");
        return {{"ids", tokenizer.encode(value.get_ref<std::string const&>(), special_tokens)}};
    }
    if (!value.is_array()) throw std::invalid_argument("\"ids\" is no list");
    auto const size = static_cast<std::int64_t>(tokenizer.size());
    std::vector<std::int64_t> ids;
    for (auto const& id : value) {
        if (!id.is_number_integer() || id.get<std::int64_t>() < 0 || id.get<std::int64_t>() >= size)
            throw std::invalid_argument(
                fmt::format("{} is no id of this tokenizer, which has 0 to {}", id.dump(), size - 1));
        ids.push_back(id);
    }
    return {{"text", tokenizer.decode(ids, !special_tokens)}};
}

void convert(proximal::text::tokenizer const& tokenizer, bool decode, bool special_tokens) {
    std::string line;
    for (std::size_t number = 1; std::getline(std::cin, line); ++number) {
        if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
        try {
            std::cout << converted(tokenizer, line, decode, special_tokens).dump() << '\n';
        } catch (std::exception const& error) {
            throw std::runtime_error(fmt::format("line {} of the input is not {}: {}", number,
                                                 decode ? R"({"ids": [...]})" : R"({"text": ...})", error.what()));
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    return proximal::run::run_main("tokenize", argc, argv, [](std::vector<std::string> const& arguments) {
        std::ios::sync_with_stdio(false);
        options given;
        if (!proximal::run::parse_flags(
                given, "Text to token ids: JSON lines {\"text\": ...} from stdin, {\"ids\": [...]} to stdout.",
                arguments))
            return 0;
        if (given.tokenizer.empty())
            throw std::invalid_argument("--tokenizer is missing: give the folder that holds tokenizer.json");
        convert(proximal::text::tokenizer::load(given.tokenizer), given.decode, !given.no_special_tokens);
        return 0;
    });
}
