// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proximal::text {

/// A row of a CSV text: its fields, and the line it begins on, from 1.
struct csv_row {
    std::vector<std::string> fields;
    std::size_t line;
};

/// The rows of a CSV text, one by one: fields between commas; one in double quotes may hold commas, line breaks and
/// doubled quotes. Lines of nothing are passed over.
///
/// Source: RFC 4180. Departure: lines may end in LF alone, as most do.
class csv_reader {
   public:
    explicit csv_reader(std::string_view text) : text_(text) {}

    /// The next row, or nothing at the end. Throws std::invalid_argument with the line where a quote is left open, or
    /// stands where none may.
    std::optional<csv_row> next() {
        while (at_ < text_.size() && is_line_end()) pass_line_end();
        if (at_ == text_.size()) return std::nullopt;
        csv_row row{{}, line_};
        for (;;) {
            row.fields.push_back(at_ < text_.size() && text_[at_] == '"' ? quoted() : plain());
            if (at_ == text_.size()) return row;
            if (text_[at_] != ',') return pass_line_end(), row;
            ++at_;
        }
    }

   private:
    bool is_line_end() const {
        return text_[at_] == '\n' || (text_[at_] == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n');
    }
    void pass_line_end() {
        at_ += text_[at_] == '\r' ? 2 : 1;
        ++line_;
    }
    [[noreturn]] void refuse(std::size_t line, std::string_view why) const {
        throw std::invalid_argument(fmt::format("line {} is no CSV: {}", line, why));
    }

    std::string plain() {
        auto const begin = at_;
        while (at_ < text_.size() && text_[at_] != ',' && !is_line_end()) {
            if (text_[at_] == '"') refuse(line_, "a field with a quote in it must be quoted, and the quote doubled");
            ++at_;
        }
        return std::string(text_.substr(begin, at_ - begin));
    }
    std::string quoted() {
        std::string field;
        auto const begin = line_;
        for (++at_; at_ < text_.size(); ++at_) {
            line_ += text_[at_] == '\n';
            bool const doubled = text_.substr(at_, 2) == "\"\"";
            if (text_[at_] == '"' && !doubled) break;
            field += text_[at_];
            at_ += doubled;
        }
        if (at_ == text_.size()) refuse(begin, "a quoted field begins there and is never closed; was it cut short?");
        ++at_;
        if (at_ < text_.size() && text_[at_] != ',' && !is_line_end())
            refuse(line_, "text follows a quoted field; double the quotes inside it");
        return field;
    }

    std::string_view text_;
    std::size_t at_ = 0, line_ = 1;
};

}  // namespace proximal::text
