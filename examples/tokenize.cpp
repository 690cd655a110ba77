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

nlohmann::json converted(proximal::text::tokenizer const& tokenizer, nlohmann::json const& line, bool decode,
                         bool special_tokens) {
    if (decode) return {{"text", tokenizer.decode(line.at("ids").get<std::vector<std::int64_t>>(), !special_tokens)}};
    return {{"ids", tokenizer.encode(line.at("text").get_ref<std::string const&>(), special_tokens)}};
}

void convert(proximal::text::tokenizer const& tokenizer, bool decode, bool special_tokens) {
    std::string line;
    for (std::size_t number = 1; std::getline(std::cin, line); ++number) try {
            std::cout << converted(tokenizer, nlohmann::json::parse(line), decode, special_tokens).dump() << '\n';
        } catch (std::exception const& error) {
            throw std::runtime_error(fmt::format("line {} of the input is not {}: {}", number,
                                                 decode ? R"({"ids": [...]})" : R"({"text": ...})", error.what()));
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
        std::cout.flush();
        return 0;
    });
}
