// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>
#include <proximal/run/html.hpp>

using namespace proximal::run;

TEST_CASE("html_escaped: text stays text, in an element and in an attribute") {
    CHECK(html_escaped("<a href=\"x\">'&'</a>") == "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
    CHECK(html_escaped("a\nb\x07\xff") == "a\nb\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST_CASE("json_in_html: no text can end the script element, and JSON reads it back") {
    nlohmann::ordered_json const data{{"</script><!--", "<b>&\x01\xE2\x80\xA8"}, {"none", std::nan("")}};
    auto const text = json_in_html(data);
    for (char const c : text) CHECK((c >= 32 && c < 127));
    CHECK(text.find_first_of("<>&") == std::string::npos);
    auto const back = nlohmann::ordered_json::parse(text);
    CHECK(back["</script><!--"] == data["</script><!--"]);
    CHECK(back["none"].is_null());
    CHECK(json_in_html({{"x", "\xff"}}) == R"({"x":"\ufffd"})");
}

TEST_CASE("html_page: nothing is asked of the network") {
    auto const page = html_page("<t>", "s {}\n", "<p>b</p>\n", "1;\n", {{"x", 1}});
    CHECK(page.starts_with("<!DOCTYPE html>"));
    CHECK(page.find("<title>&lt;t&gt;</title>") != std::string::npos);
    CHECK(page.find("http") == std::string::npos);
    CHECK(page.find("<script type=\"application/json\" id=\"data\">{\"x\":1}</script>") != std::string::npos);
}
