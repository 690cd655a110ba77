// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <proximal/io/gzip_file.hpp>
#include <proximal/io/json_file.hpp>
#include <proximal/text/csv.hpp>
#include <proximal/text/utf8.hpp>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proximal::text {

/// Records, each a JSON object, in order, and where each comes from.
struct record_table {
    /// A file that records were read from.
    struct source {
        std::filesystem::path path;
        std::string unit;       // what its numbers count: "line", "object", "row"
        std::size_t begin = 0;  // the first record that is from it
    };
    std::vector<nlohmann::json> records;
    std::vector<std::size_t> lines;  // the number of each within its file, from 1
    std::vector<source> sources;

    /// Where a record comes from: "data/train.jsonl line 7".
    std::string place(std::size_t i) const {
        auto const after = std::find_if(sources.begin(), sources.end(), [&](auto const& s) { return s.begin > i; });
        if (after == sources.begin()) return fmt::format("record {}", i + 1);
        auto const& from = *std::prev(after);
        return fmt::format("{} {} {}", from.path.string(), from.unit, lines.at(i));
    }
    /// Adds a file's records behind.
    void append(record_table more) {
        for (auto& source : more.sources) source.begin += records.size(), sources.push_back(std::move(source));
        std::move(more.records.begin(), more.records.end(), std::back_inserter(records));
        lines.insert(lines.end(), more.lines.begin(), more.lines.end());
    }
};

/// Calls `work`, and says of which record an std::invalid_argument is: a std::runtime_error with its place.
template <class Work>
auto at_place(record_table const& table, std::size_t i, Work const& work) {
    try {
        return work();
    } catch (std::invalid_argument const& error) {
        throw std::runtime_error(fmt::format("{} cannot be used: {}", table.place(i), error.what()));
    }
}

/// A kind of file that records are read from. `matches` sees the file's first bytes (of a compressed one, what it
/// holds) and its path; `read` throws std::runtime_error naming the file and the place.
struct record_format {
    std::string name;
    std::function<bool(std::string_view start, std::filesystem::path const& path)> matches;
    std::function<record_table(std::filesystem::path const& path)> read;
};

namespace detail {
inline constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

/// A file's text, decompressed, without a byte order mark.
inline std::string record_text(std::filesystem::path const& path) {
    auto text = io::read_gzip_or_plain(path);
    if (text.starts_with(byte_order_mark)) text.erase(0, byte_order_mark.size());
    return text;
}
[[noreturn]] inline void refuse_record(std::filesystem::path const& path, std::string_view unit, std::size_t number,
                                       std::string_view why) {
    throw std::runtime_error(fmt::format("{} {} {} cannot be used: {}", path.string(), unit, number, why));
}
inline char first_of(std::string_view text) {
    auto const at = text.find_first_not_of(" \t\r\n");
    return at == std::string_view::npos ? '\0' : text[at];
}
/// A path's ending, in small letters, without `.gz`: ".jsonl" of train.JSONL.gz.
inline std::string data_extension(std::filesystem::path path) {
    auto const small = [](std::string text) {
        for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        return text;
    };
    if (small(path.extension().string()) == ".gz") path = path.stem();
    return small(path.extension().string());
}
}  // namespace detail

/// Reads JSON lines, an object each; blank lines are passed over.
inline record_table read_json_lines(std::filesystem::path const& path) {
    auto const text = detail::record_text(path);
    record_table table;
    table.sources = {{path, "line"}};
    std::size_t number = 0;
    for (std::string_view rest = text; !rest.empty();) {
        auto const end = std::min(rest.find('\n'), rest.size());
        auto const line = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        ++number;
        if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
        try {
            table.records.push_back(io::parse_json(line));
        } catch (std::invalid_argument const& error) {
            detail::refuse_record(path, "line", number, error.what());
        }
        if (!table.records.back().is_object()) detail::refuse_record(path, "line", number, "it is no JSON object");
        table.lines.push_back(number);
    }
    return table;
}

/// Reads one JSON array of objects.
inline record_table read_json_array(std::filesystem::path const& path) {
    nlohmann::json all;
    try {
        all = io::parse_json(detail::record_text(path));
    } catch (std::invalid_argument const& error) {
        throw std::runtime_error(fmt::format("{} {}; fetch or write it again", path.string(), error.what()));
    }
    record_table table;
    table.sources = {{path, "object"}};
    for (auto& record : all) {
        table.lines.push_back(table.lines.size() + 1);
        if (!record.is_object()) detail::refuse_record(path, "object", table.lines.back(), "it is no JSON object");
        table.records.push_back(std::move(record));
    }
    return table;
}

/// Reads CSV, whose first row names the columns; every value is a text.
inline record_table read_csv(std::filesystem::path const& path) {
    auto const text = detail::record_text(path);
    if (auto const bad = utf8::first_invalid(text))
        throw std::runtime_error(
            fmt::format("{} is no valid UTF-8 at byte {}; convert it first (iconv does)", path.string(), *bad));
    record_table table;
    table.sources = {{path, "line"}};
    try {
        csv_reader rows(text);
        auto const header = rows.next();
        if (!header) return table;
        auto const& columns = header->fields;
        if (auto const different = std::set<std::string>(columns.begin(), columns.end());
            different.size() != columns.size())
            throw std::invalid_argument("names a column twice: " + fmt::format("{}", fmt::join(columns, ", ")));
        while (auto row = rows.next()) {
            if (row->fields.size() != columns.size())
                throw std::invalid_argument(fmt::format("line {} has {} fields and the header {}: {}", row->line,
                                                        row->fields.size(), columns.size(), fmt::join(columns, ", ")));
            auto record = nlohmann::json::object();
            for (std::size_t i = 0; i < columns.size(); ++i) record[columns[i]] = std::move(row->fields[i]);
            table.records.push_back(std::move(record));
            table.lines.push_back(row->line);
        }
    } catch (std::invalid_argument const& error) {
        throw std::runtime_error(fmt::format("{} {}", path.string(), error.what()));
    }
    return table;
}

/// The formats that are always read: JSON lines, a JSON array, CSV, each also compressed by gzip. What begins as JSON
/// is JSON whatever its name; CSV is told by its name.
inline std::vector<record_format> const& text_formats() {
    static std::vector<record_format> const formats{
        {"JSON lines", [](std::string_view start, auto const&) { return detail::first_of(start) == '{'; },
         read_json_lines},
        {"JSON array", [](std::string_view start, auto const&) { return detail::first_of(start) == '['; },
         read_json_array},
        {"CSV", [](std::string_view, std::filesystem::path const& p) { return detail::data_extension(p) == ".csv"; },
         read_csv}};
    return formats;
}

/// Reads a file's records in the first format that it is in: of `more`, then of text_formats(). An empty file has no
/// records. Throws std::runtime_error, in one sentence with the remedy, for a file that cannot be read or is of no
/// format known.
inline record_table read_records(std::filesystem::path const& path, std::vector<record_format> const& more = {}) {
    auto const refuse = [&](std::string const& what) { throw std::runtime_error(path.string() + " " + what); };
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) refuse("does not exist; give a file or a folder of data");
    std::array<char, 4096> first{};
    std::ifstream in(path, std::ios::binary);
    if (!in || std::filesystem::is_directory(path, ignored)) refuse("cannot be read; check its permissions");
    in.read(first.data(), first.size());
    std::string start(first.data(), static_cast<std::size_t>(in.gcount()));
    if (start.starts_with("\x1f\x8b")) start = io::read_gzip_or_plain(path, first.size());
    if (start.starts_with(detail::byte_order_mark)) start.erase(0, detail::byte_order_mark.size());

    for (auto const* formats : {&more, &text_formats()})
        for (auto const& format : *formats)
            if (format.matches(start, path)) return format.read(path);
    if (detail::first_of(start) == '\0' && start.size() < first.size()) return {{}, {}, {{path, "line"}}};
    if (start.starts_with("PAR1"))
        refuse(
            "is a Parquet file, and this program was built without Arrow: configure it with -DPROXIMAL_ARROW=ON, or "
            "write JSON lines, in Python: import datasets; datasets.Dataset.from_parquet(\"" +
            path.string() + "\").to_json(\"train.jsonl\")");
    if (start.starts_with("\xff\xfe") || start.starts_with("\xfe\xff"))
        refuse("is text in UTF-16; convert it first: iconv -f UTF-16 -t UTF-8 " + path.string() + " > train.jsonl");
    refuse(
        "is no list of JSON objects but something else; give JSON lines, a JSON array, CSV (whose name ends in .csv) "
        "or Parquet, each of the first three also compressed by gzip");
    return {};
}

}  // namespace proximal::text
