// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <proximal/text/utf8.hpp>
#include <string>
#include <string_view>

namespace proximal::run {

/// A text as HTML shows it, in an element or in a quoted attribute: broken UTF-8 and control characters become U+FFFD.
inline std::string html_escaped(std::string_view raw) {
    std::string escaped;
    for (char const c : text::utf8::lossy(raw)) {
        if (c == '&') escaped += "&amp;";
        else if (c == '<') escaped += "&lt;";
        else if (c == '>') escaped += "&gt;";
        else if (c == '"') escaped += "&quot;";
        else if (c == '\'') escaped += "&#39;";
        else if ((static_cast<unsigned char>(c) < 32 && c != '\n' && c != '\t') || c == 127) escaped += "\xEF\xBF\xBD";
        else escaped += c;
    }
    return escaped;
}

/// JSON as it stands inside a script element of HTML: plain ASCII without <, > and &, so that no text in it can end the
/// element. A number that is not finite is null; broken UTF-8 becomes U+FFFD.
inline std::string json_in_html(nlohmann::ordered_json const& data) {
    std::string escaped;
    for (char const c : data.dump(-1, ' ', /*ensure_ascii=*/true, nlohmann::json::error_handler_t::replace)) {
        if (c == '<') escaped += "\\u003c";
        else if (c == '>') escaped += "\\u003e";
        else if (c == '&') escaped += "\\u0026";
        else escaped += c;
    }
    return escaped;
}

/// A page that needs nothing beside itself: `data` is JSON in the element of id `data`, which `script` reads.
inline std::string html_page(std::string_view title, std::string_view style, std::string_view body,
                             std::string_view script, nlohmann::ordered_json const& data) {
    std::string page = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
    page += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
    page += "<meta name=\"color-scheme\" content=\"light dark\">\n";
    page += "<link rel=\"icon\" href=\"data:,\">\n";  // else a browser asks for one, and reports that there is none
    page.append("<title>").append(html_escaped(title)).append("</title>\n<style>\n");
    page.append(style).append("</style>\n</head>\n<body>\n").append(body);
    page.append("<script type=\"application/json\" id=\"data\">").append(json_in_html(data)).append("</script>\n");
    page.append("<script>\n").append(script).append("</script>\n</body>\n</html>\n");
    return page;
}

}  // namespace proximal::run
