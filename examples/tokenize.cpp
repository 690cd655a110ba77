// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <proximal/text/tokenizer.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

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
    std::ios::sync_with_stdio(false);
    std::string folder;
    bool decode = false, without_special_tokens = false;
    CLI::App app("Text to token ids: JSON lines {\"text\": ...} from stdin, {\"ids\": [...]} to stdout");
    app.add_option("--tokenizer", folder, "folder with tokenizer.json")->required();
    app.add_flag("--decode", decode, "the reverse: {\"ids\": [...]} to {\"text\": ...}");
    app.add_flag("--no-special-tokens", without_special_tokens, "add none; with --decode, leave them out");
    CLI11_PARSE(app, argc, argv);
    try {
        convert(proximal::text::tokenizer::load(folder), decode, !without_special_tokens);
    } catch (std::exception const& error) {
        std::cout.flush();
        fmt::print(stderr, "tokenize: {}\n", error.what());
        return 1;
    }
}
