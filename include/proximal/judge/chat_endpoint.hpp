// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <atomic>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <proximal/judge/api_key.hpp>
#include <proximal/judge/comparison.hpp>
#include <proximal/judge/cost.hpp>
#include <proximal/judge/http_client.hpp>
#include <proximal/judge/pause.hpp>
#include <proximal/judge/rate_limit.hpp>
#include <proximal/judge/retry_policy.hpp>
#include <proximal/text/utf8.hpp>
#include <random>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>

namespace proximal::judge {

/// No request to this endpoint can go well: a wrong key, a wrong address, no money left.
class endpoint_refused : public std::runtime_error {
   public:
    using std::runtime_error::runtime_error;
};

/// Where a model answers, and within what bounds.
struct chat_settings {
    std::string base_url = "https://api.openai.com/v1", model{};
    api_key key{};
    std::int64_t max_tokens = 8;  // of the answer; 0: neither it nor a temperature is sent, as some models want
    seconds connect_timeout{10.0}, timeout{60.0};
    retry_policy retries{};
    double requests_per_minute = 0.0;  // 0: no limit
    token_prices prices{};
    std::optional<double> max_cost{};
};

/// An answer, or why there is none.
struct chat_answer {
    std::optional<std::string> text;
    std::string why{};
    token_usage usage{};
};

/// A model behind `POST {base_url}/chat/completions`: OpenAI's, vLLM's, llama.cpp's, ... It is asked greedily, from any
/// number of threads.
///
/// Sent again, as the policy says, is what met 408, 429, 500, 502, 503, 504, a time-out, a connection that failed or
/// was cut, or an answer that is no chat completion; Retry-After holds all threads back. Not sent again is what met
/// another status: the answer says it, and 401, 403, 404, a redirection, a spent quota and an address that cannot be
/// one throw endpoint_refused. The cap on the cost throws cost_cap_reached. A message is one sentence with the
/// server's words, the key taken out of them.
///
/// Tokens are those of the answer's `usage`, or estimated where it has none; an answer that was lost on the way
/// counts as estimated, since it may be billed.
class chat_endpoint {
   public:
    explicit chat_endpoint(chat_settings settings)
        : settings_(std::move(settings)),
          limit_(settings_.requests_per_minute),
          meter_(settings_.prices, settings_.max_cost) {
        auto& url = settings_.base_url;
        while (url.ends_with('/')) url.pop_back();
        if (!url.starts_with("http://") && !url.starts_with("https://"))
            throw std::invalid_argument(
                "--judge_base_url must begin with http:// or https://, as in "
                "http://localhost:8000/v1");
        auto const host = url.substr(url.find("://") + 3);
        if (host.substr(0, host.find('/')).find('@') != std::string::npos)
            throw std::invalid_argument(
                "--judge_base_url holds a user name or a password: put the key into the environment instead");
        if (host.find_first_of("?# ") != std::string::npos)
            throw std::invalid_argument(
                "--judge_base_url holds a query or a space: give the address alone, as in http://localhost:8000/v1");
        if (settings_.model.empty()) throw std::invalid_argument("--judge_model is empty: name the model to ask");
    }

    chat_answer ask(std::string_view prompt, std::stop_token const& stop = {}) {
        auto const body = request(prompt);
        auto const estimate = estimated_usage(prompt, settings_.max_tokens);
        chat_answer answer;
        for (std::int64_t retry = 0;; ++retry) {
            if (!limit_.acquire(stop)) return stopped(std::move(answer));
            double const reserved = meter_.reserve(estimate);
            ++requests_;
            auto const reply = post(body, stop);
            token_usage taken;
            bool again = false;
            try {
                again = read(reply, estimate, answer, taken);
            } catch (...) {
                meter_.settle(reserved, taken);
                throw;
            }
            meter_.settle(reserved, taken);
            answer.usage += taken;
            if (!again) return answer;
            if (stop.stop_requested()) return stopped(std::move(answer));
            if (reply.retry_after > settings_.retries.longest_asked) {
                answer.why +=
                    fmt::format("; it asks to wait {:g} s, which is not waited for", reply.retry_after.count());
                return answer;
            }
            if (retry >= settings_.retries.max_retries) {
                answer.why += fmt::format(" (asked {} times)", retry + 1);
                return answer;
            }
            if (reply.retry_after > seconds(0)) limit_.hold(reply.retry_after);
            ++retries_;
            if (!pause(settings_.retries.wait(retry, share(), reply.retry_after), stop))
                return stopped(std::move(answer));
        }
    }

    std::string url() const { return settings_.base_url + "/chat/completions"; }
    chat_settings const& settings() const { return settings_; }
    cost_meter const& meter() const { return meter_; }
    std::int64_t requests() const { return requests_; }
    std::int64_t retries() const { return retries_; }

   private:
    using json = nlohmann::json;

    std::string request(std::string_view prompt) const {
        json body = {{"model", settings_.model}, {"messages", {{{"role", "user"}, {"content", prompt}}}}};
        if (settings_.max_tokens > 0) body["max_tokens"] = settings_.max_tokens, body["temperature"] = 0;
        return body.dump(-1, ' ', false, json::error_handler_t::replace);
    }

    http_reply post(std::string const& body, std::stop_token const& stop) {
        std::vector<std::string> headers{"Content-Type: application/json", "Accept: application/json", "Expect:"};
        if (!settings_.key.empty()) headers.push_back(settings_.key.authorization());
        return http_.post(url(), headers, body, settings_.connect_timeout, settings_.timeout, stop);
    }

    /// Reads a reply into the answer. Gives whether it may go well the next time.
    bool read(http_reply const& reply, token_usage const& estimate, chat_answer& answer, token_usage& taken) const {
        if (reply.code != CURLE_OK) {
            answer.why = fmt::format("the judge at {} did not answer: {}", settings_.base_url, said(reply.trouble));
            if (reply.code == CURLE_COULDNT_CONNECT || reply.code == CURLE_COULDNT_RESOLVE_HOST) return true;
            if (!is_lost_on_the_way(reply.code)) {
                throw endpoint_refused(answer.why + "; check --judge_base_url");
            }
            taken = estimate;
            return true;
        }
        if (reply.status == 200) return !read_completion(reply.body, estimate, answer, taken);
        auto const [message, code] = server_message(reply.body);
        answer.why = fmt::format("the judge at {} answered with HTTP status {}{}{}", settings_.base_url, reply.status,
                                 message.empty() ? "" : ": ", message);
        if (code == "insufficient_quota")
            throw endpoint_refused(answer.why + "; the account has no money left, or give another key");
        if (is_passing_trouble(reply.status)) return true;
        if (reply.status == 401 || reply.status == 403)
            throw endpoint_refused(answer.why + "; check the key in the variable that --judge_api_key_env names");
        if (reply.status == 404)
            throw endpoint_refused(answer.why +
                                   "; check --judge_base_url, which ends in /v1 as a rule, and --judge_model");
        if (reply.status >= 300 && reply.status < 400)
            throw endpoint_refused(answer.why + "; a redirection is not followed: give the address itself");
        return false;
    }

    bool read_completion(std::string const& body, token_usage const& estimate, chat_answer& answer,
                         token_usage& taken) const {
        taken = estimate;
        auto const reply = json::parse(body, nullptr, /*allow_exceptions=*/false);
        auto const* const message = find(reply, "/choices/0/message");
        if (message == nullptr || !message->is_object() || !message->contains("content")) {
            answer.why =
                fmt::format("the judge at {} answered what is no chat completion: {}", settings_.base_url, said(body));
            return false;
        }
        if (auto const* const tokens = find(reply, "/usage/prompt_tokens"); tokens && tokens->is_number_integer())
            taken.prompt_tokens = tokens->get<std::int64_t>();
        if (auto const* const tokens = find(reply, "/usage/completion_tokens"); tokens && tokens->is_number_integer())
            taken.completion_tokens = tokens->get<std::int64_t>();
        auto const& content = message->at("content");
        answer.text = content.is_string() ? settings_.key.scrubbed(content.get<std::string>()) : std::string();
        answer.why.clear();
        return true;
    }

    static json const* find(json const& object, std::string const& path) {
        json::json_pointer const pointer(path);
        return !object.is_discarded() && object.contains(pointer) ? &object.at(pointer) : nullptr;
    }

    static bool is_lost_on_the_way(CURLcode code) {
        switch (code) {
            case CURLE_ABORTED_BY_CALLBACK:
            case CURLE_OPERATION_TIMEDOUT:
            case CURLE_PARTIAL_FILE:
            case CURLE_GOT_NOTHING:
            case CURLE_SEND_ERROR:
            case CURLE_RECV_ERROR:
            case CURLE_HTTP2:
            case CURLE_HTTP2_STREAM:
            case CURLE_WEIRD_SERVER_REPLY:
                return true;
            default:
                return false;
        }
    }

    /// The server's words and its code for what is wrong, as OpenAI and its likenesses write them.
    std::pair<std::string, std::string> server_message(std::string const& body) const {
        auto const reply = json::parse(body, nullptr, /*allow_exceptions=*/false);
        std::string code;
        if (auto const* const found = find(reply, "/error/code"); found && found->is_string()) code = *found;
        for (auto const* const path : {"/error/message", "/error", "/message", "/detail"})
            if (auto const* const found = find(reply, path); found && found->is_string())
                return {said(found->get<std::string>()), code};
        return {said(body), code};
    }

    /// A text of the server's as a message shows it: without the key, in one line, not long.
    std::string said(std::string text) const {
        text = settings_.key.scrubbed(std::move(text));  // before it is cut
        std::string line;
        for (char const c : text) line += static_cast<unsigned char>(c) < 32 || c == 127 ? ' ' : c;
        while (!line.empty() && (line.back() == ' ' || line.back() == '.')) line.pop_back();
        return text::utf8::lossy(line.size() > 200 ? line.substr(0, 200) + "..." : line);
    }

    static chat_answer stopped(chat_answer answer) {
        answer.text.reset();
        answer.why = "it was asked to stop";
        return answer;
    }

    static double share() {
        thread_local std::mt19937_64 random(std::random_device{}());  // no result depends on it
        return std::uniform_real_distribution<double>(0.0, 1.0)(random);
    }

    chat_settings settings_;
    http_client http_;
    rate_limit limit_;
    cost_meter meter_;
    std::atomic<std::int64_t> requests_ = 0, retries_ = 0;
};

}  // namespace proximal::judge
