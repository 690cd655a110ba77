// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>
#include <pcre2.h>

#include <array>
#include <memory>
#include <proximal/text/oniguruma_pattern.hpp>
#include <proximal/text/utf8.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

namespace proximal::text {

/// A compiled pattern of tokenizer.json (Oniguruma's syntax, see from_oniguruma) over well-formed UTF-8.
///
/// Safe to use from several threads. Throws std::invalid_argument for a pattern that does not compile.
class regex {
   public:
    explicit regex(std::string_view pattern) : pattern_(pattern) {
        auto const translated = from_oniguruma(pattern);
        int error = 0;
        PCRE2_SIZE where = 0;
        auto* const code = ::pcre2_compile(reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
                                           PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE, &error, &where, nullptr);
        if (code == nullptr)
            throw std::invalid_argument(fmt::format("the pattern '{}' does not compile: {}", pattern, message(error)));
        code_.reset(code, ::pcre2_code_free);
        ::pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);  // where the machine has no JIT, matching is interpreted
    }

    /// A pattern that matches this text and nothing else.
    static regex literal(std::string_view text) {
        std::string escaped;
        for (char const c : text) {
            if (std::string_view("\\^$.|?*+()[]{}-").find(c) != std::string_view::npos) escaped += '\\';
            escaped += c;
        }
        return regex(escaped);
    }

    /// Calls found(begin, end) for each match, left to right. As Oniguruma's iterator: a search goes on where the match
    /// before ended, and an empty match there is passed over.
    template <class Found>
    void for_each_match(std::string_view text, Found&& found) const {
        std::unique_ptr<pcre2_match_data, void (*)(pcre2_match_data*)> const data(::pcre2_match_data_create(1, nullptr),
                                                                                  ::pcre2_match_data_free);
        auto const* const subject = reinterpret_cast<PCRE2_SPTR>(text.data());
        std::size_t last_end = std::string_view::npos;
        for (std::size_t at = 0; at <= text.size();) {
            int const count =
                ::pcre2_match(code_.get(), subject, text.size(), at, PCRE2_NO_UTF_CHECK, data.get(), nullptr);
            if (count == PCRE2_ERROR_NOMATCH) return;
            if (count < 0)
                throw std::runtime_error(
                    fmt::format("the pattern '{}' cannot be matched: {}", pattern_, message(count)));
            auto const* const bounds = ::pcre2_get_ovector_pointer(data.get());
            if (bounds[0] == bounds[1] && bounds[1] == last_end) {
                if (at == text.size()) return;
                at += utf8::character_at(text, at).size;
                continue;
            }
            at = last_end = bounds[1];
            found(bounds[0], bounds[1]);
        }
    }

   private:
    static std::string message(int error) {
        std::array<PCRE2_UCHAR, 256> buffer{};
        ::pcre2_get_error_message(error, buffer.data(), buffer.size());
        return reinterpret_cast<char const*>(buffer.data());
    }

    std::string pattern_;
    std::shared_ptr<pcre2_code> code_;
};

}  // namespace proximal::text
