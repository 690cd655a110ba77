// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <curl/curl.h>
#include <fmt/format.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <proximal/judge/pause.hpp>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace proximal::judge {

/// What a server said, or how the way to it failed (`code` is not CURLE_OK then, and `trouble` says it in words).
struct http_reply {
    CURLcode code = CURLE_OK;
    long status = 0;
    std::string body{}, trouble{};
    seconds retry_after{0};  // what the server asks for, whether in seconds or as a date; 0 where it does not
};

/// Posts over libcurl, from any number of threads: a connection stays open for whoever posts next. Redirections are not
/// followed, so that a key never goes to where nobody sent it. Nothing is logged.
class http_client {
   public:
    http_client() {
        static bool const is_ready = ::curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
        if (!is_ready) throw std::runtime_error("libcurl cannot be started: check how it was installed");
    }
    http_client(http_client const&) = delete;
    http_client& operator=(http_client const&) = delete;

    /// Posts a body, and gives the whole answer, of at most 16 MB. Asked to stop, it gives up within a second, with
    /// CURLE_ABORTED_BY_CALLBACK.
    http_reply post(std::string const& url, std::vector<std::string> const& headers, std::string const& body,
                    seconds connect_timeout, seconds timeout, std::stop_token const& stop) {
        auto handle = take();
        CURL* const curl = handle.get();
        ::curl_easy_reset(curl);  // keeps its connections
        http_reply reply;
        std::string error(CURL_ERROR_SIZE, '\0');
        std::unique_ptr<::curl_slist, decltype(&::curl_slist_free_all)> list(nullptr, &::curl_slist_free_all);
        for (auto const& header : headers) {
            auto* const longer = ::curl_slist_append(list.get(), header.c_str());
            if (longer == nullptr) throw std::bad_alloc();
            if (!list) list.reset(longer);
        }
        auto const milliseconds = [](seconds time) { return static_cast<long>(std::min(time.count() * 1e3, 1e9)) + 1; };
        ::curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
        ::curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
        ::curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
        ::curl_easy_setopt(curl, CURLOPT_USERAGENT, "proximal");
        ::curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list.get());
        ::curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
        ::curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data());
        ::curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(connect_timeout));
        ::curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, milliseconds(timeout));
        ::curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error.data());
        ::curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &http_client::on_body);
        ::curl_easy_setopt(curl, CURLOPT_WRITEDATA, &reply.body);
        ::curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
        ::curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &http_client::on_progress);
        ::curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &stop);
        reply.code = ::curl_easy_perform(curl);
        ::curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
        curl_off_t wait = 0;
        if (::curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &wait) == CURLE_OK && wait > 0)
            reply.retry_after = seconds(static_cast<double>(wait));
        if (reply.code != CURLE_OK) reply.trouble = error[0] != '\0' ? error.c_str() : ::curl_easy_strerror(reply.code);
        ::curl_easy_reset(curl);  // it points to what ends here
        give_back(std::move(handle));
        return reply;
    }

   private:
    using handle_pointer = std::unique_ptr<CURL, decltype(&::curl_easy_cleanup)>;
    static constexpr std::size_t longest_body = std::size_t{1} << 24;

    static std::size_t on_body(char* data, std::size_t, std::size_t size, void* body) {
        auto& text = *static_cast<std::string*>(body);
        if (text.size() + size > longest_body) return 0;  // ends it by CURLE_WRITE_ERROR
        text.append(data, size);
        return size;
    }
    static int on_progress(void* stop, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
        return static_cast<std::stop_token*>(stop)->stop_requested() ? 1 : 0;
    }
    handle_pointer take() {
        {
            std::lock_guard const lock(mutex_);
            if (!idle_.empty()) {
                auto handle = std::move(idle_.back());
                idle_.pop_back();
                return handle;
            }
        }
        handle_pointer handle(::curl_easy_init(), &::curl_easy_cleanup);
        if (!handle) throw std::bad_alloc();
        return handle;
    }
    void give_back(handle_pointer handle) {
        std::lock_guard const lock(mutex_);
        idle_.push_back(std::move(handle));
    }

    std::mutex mutex_;
    std::vector<handle_pointer> idle_;
};

}  // namespace proximal::judge
