// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace proximal::judge {

/// A secret that leaves the program as an HTTP header alone: it has no way into a stream, a format or JSON.
class api_key {
   public:
    api_key() = default;
    explicit api_key(std::string secret) : secret_(std::move(secret)) {}

    /// The key in an environment variable; none where it is not set, or empty.
    /// Throws std::invalid_argument, without the key, where it holds what no header may.
    static api_key from_environment(std::string const& variable) {
        auto const* const value = std::getenv(variable.c_str());
        if (value == nullptr) return {};
        std::string_view const secret = value;
        if (std::any_of(secret.begin(), secret.end(), [](unsigned char c) { return c <= 32 || c == 127; }))
            throw std::invalid_argument("the key in the environment variable " + variable +
                                        " holds a space or a line break: set it again without");
        return api_key(std::string(secret));
    }

    bool empty() const { return secret_.empty(); }
    std::string authorization() const { return "Authorization: Bearer " + secret_; }

    /// A text of the server's without the key, which some servers echo. A key below 8 characters is no secret but a
    /// word that a local server wants ("EMPTY"), and would tear texts.
    std::string scrubbed(std::string text) const {
        if (secret_.size() < 8) return text;
        for (std::size_t at = 0; (at = text.find(secret_, at)) != std::string::npos; at += 3)
            text.replace(at, secret_.size(), "***");
        for (auto size = secret_.size() - 1; size >= 8; --size) {  // an echo that was cut
            if (!text.ends_with(std::string_view(secret_).substr(0, size))) continue;
            text.replace(text.size() - size, size, "***");
            break;
        }
        return text;
    }

   private:
    std::string secret_;
};

}  // namespace proximal::judge
