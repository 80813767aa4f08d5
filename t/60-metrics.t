#!/usr/bin/env perl
# Metrics: what the access log, Prometheus and CloudWatch say is the same, and nothing is lost or sent twice.
use strict;
use warnings;
use lib 't/lib';
use Test::More;
use JSON::PP ();
use Time::HiRes qw(time);
use Chatbot::CloudWatch;
use Chatbot::Load;
use Chatbot::Server;

my $emulator = Chatbot::Emulator->shared;
my $slow = $ENV{SANITIZER} ? 3 : 1;

my $PAGES = <<'CONF';
<Location "/metrics">
    SetHandler chatbot-metrics
</Location>
<Location "/server-status">
    SetHandler server-status
</Location>
<Location "/server-info">
    SetHandler server-info
</Location>
CONF

# A server whose metrics go to the emulator, or to a Chatbot::CloudWatch.
sub start {
    my ($cloudwatch, $lines, %option) = @_;
    my $endpoint = $cloudwatch ? 'ChatbotAWSEndpoint monitoring ' . $cloudwatch->url : '';
    return Chatbot::Server->start(
        modules => ['status'],
        chatbot => "ChatbotMetrics cloudwatch\n$endpoint\n$lines",
        %option,
        config => $PAGES . ($option{config} // ''),
    );
}

# The samples of GET /metrics: name{labels} => value.
sub samples {
    my ($server) = @_;
    my $text = $server->request('GET', '/metrics')->{body};
    return map { /^([a-z]\S*) (\S+)$/ ? ($1 => $2) : () } split /\n/, $text;
}

# Their sum over the labels, those that match.
sub sample_sum {
    my ($samples, $name, $pattern) = @_;
    my $sum = 0;
    $sum += $samples->{$_} for grep { /^\Q$name\E(?:\{|$)/ && $_ =~ ($pattern // qr//) } keys %$samples;
    return $sum;
}

# Requests of /chat by status in the access log, OPTIONS not.
sub logged {
    my ($server) = @_;
    my %count;
    /^\S+ (\S+) \/chat (\d+) / && $1 ne 'OPTIONS' && $count{$2}++ for split /\n/, $server->access_log;
    return \%count;
}

sub sum { my $sum = 0; $sum += $_ for @_; return $sum }

sub lines_with {
    my ($server, $pattern) = @_;
    return grep { $_ =~ $pattern } split /\n/, $server->error_log;
}

subtest 'thousands of chats, failures, a graceful restart' => sub {
    my $chats = $ENV{SANITIZER} ? 1000 : 5000;
    $emulator->reset_state;
    $emulator->faults({ operation => 'PutMetricData', commands => '{{error InternalServiceError 500}}', percent => 30 });
    my $server = start(undef, "ChatbotMetricsInterval 1s\nChatbotTokenUsage On\n", children => 4, threads => 8);
    my $load = Chatbot::Load->start($server->port, '-x', -c => 64, -n => $chats,
        'POST /chat {"message":"Hello"}', 'POST /chat {"message":"{{delay 50}} slow"}',
        'POST /chat {"message":"{{error ValidationException}}"}', 'POST /chat {}', 'GET /chat',
        'POST /chat {"message":"{{error AccessDeniedException}}"}', 'POST /chat {"message":"{{empty}}"}');
    Chatbot::Httpd::wait_for(20, sub { $server->access_log =~ tr/\n// > $chats / 3 });
    ok($server->graceful, 'a graceful restart in between');
    my $result = $load->result;
    is($result->{lost}, 0, 'every request is answered');
    $server->request('OPTIONS', '/chat');
    Chatbot::Httpd::wait_for(10, sub { sum(values %{ logged($server) }) >= $chats });
    my %samples = samples($server);
    my $logged = logged($server);
    is(sum(values %$logged), $chats, 'the access log has all, and no OPTIONS');
    my %prometheus = map { $_ => sample_sum(\%samples, 'chatbot_requests_total', qr/status="$_"/) } keys %$logged;
    is_deeply(\%prometheus, $logged, 'Prometheus has the same, by status');
    is(sample_sum(\%samples, 'chatbot_requests_total'), $chats, 'and nothing else');
    is(sample_sum(\%samples, 'chatbot_request_duration_seconds_count'), $chats, 'each has a duration');
    $server->stop_ok('httpd stops');
    $emulator->faults;
    my $success = $emulator->metric('ChatRequest', Endpoint => '/chat', Status => 'Success');
    my $error = $emulator->metric('ChatRequest', Endpoint => '/chat', Status => 'Error');
    my $rest = sum(map { ($_ =~ /"ChatRequest":(\d+)/) } lines_with($server, qr/^\{"_aws"/));
    is($success->{sum} + $error->{sum} + $rest, $chats, 'CloudWatch has all of them' . ($rest ? ", but for the log's $rest" : ''));
    if (!$rest) {
        is($success->{sum}, $logged->{200}, 'the successes');
        is($emulator->metric('ProcessingTime', Endpoint => '/chat')->{count}, $chats, 'each duration');
        my $tokens = $emulator->metric('TokensUsed', Endpoint => '/chat');
        is(sprintf('%.0f', $tokens->{sum}), sample_sum(\%samples, 'chatbot_tokens_total'), 'every token');
        is($emulator->metric('UpstreamErrors', Code => 'AccessDeniedException')->{sum},
            sample_sum(\%samples, 'chatbot_upstream_errors_total', qr/AccessDenied/), 'AWS\'s errors by their code');
    }
    my $seconds = $ENV{SANITIZER} ? 120 : 30;
    cmp_ok($emulator->count('calls', 'PutMetricData'), '<', 2 * $seconds, 'a few calls, two attempts each at most');
};

subtest 'every way a chat can end' => sub {
    my $cloudwatch = Chatbot::CloudWatch->start;
    my $server = start($cloudwatch, "ChatbotMetricsInterval 1h\nChatbotMaxBody 2k\nChatbotTimeout total=2\n", config => <<'CONF');
<Location "/v2">
    SetHandler chatbot
    ChatbotRateLimit 1 1h
</Location>
<LocationMatch "^/match">
    SetHandler chatbot
</LocationMatch>
<Location "/">
    Require all granted
</Location>
CONF
    my %headers = ('Content-Type' => 'text/plain');
    my @statuses = (
        $server->chat({ message => 'Hello', stream => JSON::PP::true })->{status},
        $server->chat({ message => '{{stream-error internalServerException 1}}Hello', stream => JSON::PP::true })->{status},
        $server->request('POST', '/chat', headers => \%headers, body => '{}')->{status},
        $server->chat('x' x 3000)->{status},
        $server->chat('{{hang}}')->{status},
        $server->request('POST', '/v2', body => { message => 'Hello' })->{status},
        $server->request('POST', '/v2/any/thing?x', body => { message => 'Hello' })->{status},
        $server->request('POST', '/match/me', body => { message => 'Hello' })->{status},
    );
    push @statuses, $server->chat("{{$_}}Hello")->{status} for 'stream-error accessDeniedException 1', 'error AccessDeniedException';
    is("@statuses", '200 200 415 413 408 200 429 200 502 502', 'each is answered');
    my $client = $server->client;
    my $before = $emulator->count('in_progress');
    $client->send($client->compose('POST', '/chat', body => { message => '{{delay 5000}}' }));
    Chatbot::Httpd::wait_for(10, sub { $emulator->count('in_progress') > $before });
    $client->reset;
    Chatbot::Httpd::wait_for(10, sub { $server->access_log =~ m{ /chat 499 } });
    my %samples = samples($server);
    my %got = map { /^chatbot_requests_total\{(.*)\}/ ? ($1 => $samples{$_}) : () } keys %samples;
    my $codes = sub { map { sprintf('endpoint="%s",status="%d",code="%s"', @$_) => 1 } @_ };
    is_deeply(\%got, { $codes->([ '/chat', 200, 'success' ], [ '/chat', 415, 'unsupported_media_type' ],
        [ '/chat', 413, 'body_too_large' ], [ '/chat', 408, 'upstream_timeout' ], [ '/chat', 499, 'client_gone' ],
        [ '/v2', 200, 'success' ], [ '/v2', 429, 'rate_limited' ], [ 'chatbot', 200, 'success' ],
        [ '/chat', 200, 'upstream_error' ]), 'endpoint="/chat",status="502",code="upstream_access_denied"' => 2 },
        'each is counted under its endpoint, as the configuration names it') or diag(explain(\%got));
    is($samples{'chatbot_client_gone_total{endpoint="/chat"}'}, 1, 'who left');
    is($samples{'chatbot_rate_limited_total{endpoint="/v2"}'}, 1, 'who asked too often');
    is(sample_sum(\%samples, 'chatbot_upstream_errors_total', qr/upstream_timeout/), 1, 'a timeout, by our own code');
    is($samples{'chatbot_upstream_errors_total{endpoint="/chat",code="AccessDeniedException"}'}, 2,
        'an exception by one name, as the answer and in the stream');
    is($samples{'chatbot_request_duration_seconds_bucket{endpoint="/chat",le="1"}'} + 1,
        $samples{'chatbot_request_duration_seconds_bucket{endpoint="/chat",le="5"}'}, 'how long it took');
    $server->stop_ok;
    is($cloudwatch->sum_of('ChatRequest'), 11, 'CloudWatch has all');
    is($cloudwatch->sum_of('ChatRequest', Status => 'Error'), 8, 'a stream that ended with an error is one');
    is($cloudwatch->sum_of('ClientGone'), 1, 'who left');
    is($cloudwatch->sum_of('RateLimited', Endpoint => '/v2'), 1, 'who asked too often');
};

subtest 'one call an interval, of all children' => sub {
    my $cloudwatch = Chatbot::CloudWatch->start;
    my $server = start($cloudwatch, "ChatbotMetricsInterval 2s\n", children => 4, threads => 4);
    my $end = time() + 7;
    Chatbot::Load->run($server->port, -c => 8, -n => 20, 'POST /chat {"message":"Hello"}') while time() < $end;
    my @at = map { $_->{at} } $cloudwatch->calls;
    my @gaps = map { $at[$_] - $at[ $_ - 1 ] } 1 .. $#at;
    cmp_ok(scalar @at, '>=', 2, 'it is called again and again');
    is(scalar(grep { $_ < 1.7 } @gaps), 0, 'never sooner than the interval says') or diag("@gaps");
    my @calls = $cloudwatch->calls;
    is($calls[0]{body}{Namespace}, 'ChatBot/httpd', 'the namespace');
    like($calls[0]{head}, qr/^x-amz-target: GraniteServiceVersion20100801\.PutMetricData\r$/mi, 'the operation');
    like($calls[0]{head}, qr{/monitoring/aws4_request, SignedHeaders=\S*x-amz-target}, 'signed for CloudWatch');
    my @calls_before = $cloudwatch->calls;
    $server->stop_ok;
    my $logged = sum(values %{ logged($server) });
    is($cloudwatch->sum_of('ChatRequest'), $logged, 'the rest is sent when httpd stops');
    cmp_ok(scalar($cloudwatch->calls), '<=', @calls_before + 2, 'with one call');
    is(scalar(lines_with($server, qr/"_aws"|CHAT0712/)), 0, 'and nothing is left for the log');
};

subtest 'what fails is kept' => sub {
    my $cloudwatch = Chatbot::CloudWatch->start;
    $cloudwatch->answer_with(500);
    my $server = start($cloudwatch, "ChatbotMetricsInterval 1s\n", children => 2);
    $server->chat('Hello') for 1 .. 5;
    ok(Chatbot::Httpd::wait_for(20, sub { $cloudwatch->calls >= 5 }), 'it is tried again');
    is(scalar(lines_with($server, qr/CHAT0701/)), 1, 'one warning, not one each time');
    my %samples = samples($server);
    is($samples{chatbot_metrics_undelivered_requests}, 5, 'the numbers wait');
    like($server->request('GET', '/server-status?auto')->{body}, qr/^ChatbotLastDeliveryResult: failed$/m, 'mod_status says so');
    $cloudwatch->answer_with(0);
    ok(Chatbot::Httpd::wait_for(10, sub { $cloudwatch->sum_of('ChatRequest') }), 'when it works again they go out');
    is($cloudwatch->sum_of('ChatRequest'), 5, 'all of them, once');
    is($cloudwatch->count_of('ProcessingTime'), 5, 'with their durations');
    ok(Chatbot::Httpd::wait_for(5, sub { lines_with($server, qr/CHAT0702/) }), 'and the log says that it works again');
    $server->stop_ok;
    is($cloudwatch->sum_of('ChatRequest'), 5, 'nothing was sent twice');
};

subtest 'a killed child loses nothing' => sub {
    my $cloudwatch = Chatbot::CloudWatch->start;
    my $server = start($cloudwatch, "ChatbotMetricsInterval 1h\n", children => 2);
    $server->expect_killed;
    my $count;    # a chat is counted when it is logged, a moment after its answer
    my $has = sub {
        my ($least) = @_;
        my %samples = samples($server);
        $count = sample_sum(\%samples, 'chatbot_requests_total');
        return $count == sum(values %{ logged($server) }) && $count >= $least;
    };
    $server->chat('Hello') for 1 .. 10;
    ok(Chatbot::Httpd::wait_for(5, sub { $has->(10) }), 'ten chats are counted and logged');
    my %old = map { $_ => 1 } $server->children;
    kill('KILL', keys %old);
    ok(Chatbot::Httpd::wait_for(20, sub { !grep { $old{$_} } $server->children }), 'all children are killed');
    ok(Chatbot::Httpd::wait_for(20, sub { ($server->chat('Hello')->{status} // 0) == 200 }), 'others follow');
    ok(Chatbot::Httpd::wait_for(5, sub { $has->(11) }), 'Prometheus still has all');
    is(scalar($cloudwatch->calls), 0, 'nothing was sent yet');
    kill('WINCH', $server->pid);
    ok(Chatbot::Httpd::wait_for(25, sub { $server->exited }), 'a graceful stop');
    is($cloudwatch->sum_of('ChatRequest'), $count, 'sends all of it');
    is(scalar($cloudwatch->calls), 1, 'in one call');
    $server->stop_ok;
};

for my $mpm (qw(prefork worker)) {
    subtest "$mpm" => sub {
        my $cloudwatch = Chatbot::CloudWatch->start;
        my $server = start($cloudwatch, "ChatbotMetricsInterval 1h\n", mpm => $mpm, threads => 4);
        $server->chat('Hello') for 1 .. 6;
        $server->stop_ok;
        is($cloudwatch->sum_of('ChatRequest'), 6, 'the last child delivers what is left');
        is(scalar($cloudwatch->calls), 1, 'in one call');
    };
}

subtest 'CloudWatch is away when httpd stops' => sub {
    my $cloudwatch = Chatbot::CloudWatch->start;
    $cloudwatch->answer_with('hang');
    my $server = start($cloudwatch, "ChatbotMetricsInterval 1h\nChatbotMetricsDimension Stage test\n");
    $server->chat('Hello') for 1 .. 3;
    my $started = time();
    $server->stop_ok;
    cmp_ok(time() - $started, '<', 6 * $slow, 'httpd stops soon');
    my @documents = map { JSON::PP->new->decode($_) } lines_with($server, qr/^\{"_aws"/);
    my ($requests) = grep { defined $_->{ChatRequest} } @documents;
    is_deeply({ map { $_ => $requests->{$_} } qw(ChatRequest Endpoint Status Stage) },
        { ChatRequest => 3, Endpoint => '/chat', Status => 'Success', Stage => 'test' }, 'the numbers are in the log');
    is(scalar(lines_with($server, qr/CHAT0712.* 3 requests/)), 1, 'with a warning');
};

subtest 'embedded metric format' => sub {
    my $server = start(undef, "ChatbotMetrics emf\nChatbotMetricsInterval 1s\nChatbotMetricsNamespace Shop/Chat\n"
        . "ChatbotMetricsDimension Stage \"a \\\"test\\\"\"\n", children => 2);
    my $before = $emulator->count('calls', 'PutMetricData');
    Chatbot::Load->run($server->port, -c => 16, -n => 300, 'POST /chat {"message":"Hello"}', 'POST /chat {}');
    $server->stop_ok;
    is($emulator->count('calls', 'PutMetricData'), $before, 'CloudWatch is not called');
    my @lines = lines_with($server, qr/"_aws"/);
    my @documents = map { eval { JSON::PP->new->decode($_) } } @lines;
    is(scalar @documents, scalar @lines, 'each line is JSON, with nothing around it');
    is(scalar(grep { length $_ > 8190 } @lines), 0, 'below 8 KB');
    my (%sum, %count, @wrong);
    for my $document (@documents) {
        my $directive = $document->{_aws}{CloudWatchMetrics}[0];
        my $name = $directive->{Metrics}[0]{Name};
        my @values = ref $document->{$name} ? @{ $document->{$name} } : $document->{$name};
        push @wrong, $name if @values > 100 || grep { !defined $document->{$_} } @{ $directive->{Dimensions}[0] };
        push @wrong, 'namespace' if $directive->{Namespace} ne 'Shop/Chat' || $document->{Stage} ne 'a "test"';
        $sum{$name} += $_ for @values;
        $count{$name} += @values;
    }
    is("@wrong", '', 'every document is whole');
    is($sum{ChatRequest}, 300, 'all requests');
    is($count{ProcessingTime}, 300, 'each duration');
};

subtest 'virtual hosts' => sub {
    my $cloudwatch = Chatbot::CloudWatch->start;
    my $server = start($cloudwatch, "ChatbotMetricsInterval 1h\n", config => <<'CONF');
<VirtualHost *:*>
    ServerName one.test
</VirtualHost>
<VirtualHost *:*>
    ServerName same.test
    ChatbotMetricsNamespace ChatBot/httpd
</VirtualHost>
<VirtualHost *:*>
    ServerName other.test
    ChatbotMetricsNamespace Other
    ChatbotMetricsDimension Site other
</VirtualHost>
<VirtualHost *:*>
    ServerName silent.test
    ChatbotMetrics Off
</VirtualHost>
CONF
    for my $host (qw(one.test same.test other.test other.test silent.test)) {
        is($server->chat('Hello', headers => { Host => $host })->{status}, 200, $host);
    }
    wait_until_counted($server, 5);
    my %samples = samples($server);
    is($samples{'chatbot_requests_total{endpoint="/chat",status="200",code="success"}'}, 5, 'Prometheus has one series for all');
    $server->stop_ok;
    is($cloudwatch->sum_of('ChatRequest'), 4, 'those that are on are delivered');
    is($cloudwatch->sum_of('ChatRequest', Site => 'other'), 2, 'other settings with their own dimensions');
    is_deeply([ sort map { $_->{body}{Namespace} } $cloudwatch->calls ], [ 'ChatBot/httpd', 'Other' ],
        'one call for each setting');
};

# A chat is counted when it is logged, a moment after its answer.
sub wait_until_counted {
    my ($server, $number) = @_;
    my $all = sub { my %samples = samples($server); return sample_sum(\%samples, 'chatbot_requests_total') >= $number };
    ok(Chatbot::Httpd::wait_for(5, $all), 'all are counted');
    return;
}

subtest 'the pages' => sub {
    my $server = start(undef, "ChatbotMetrics Off\n", modules => [ 'status', 'info' ], config => "ChatbotMaxInFlight 77\n");
    $server->chat('Hello');
    $server->chat({});
    wait_until_counted($server, 2);
    my $before = $emulator->count('calls', 'PutMetricData');
    my $auto = $server->request('GET', '/server-status?auto')->{body};
    like($auto, qr/^$_$/m, "?auto: $_") for 'ChatbotInFlight: 0', 'ChatbotMaxInFlight: 77', 'ChatbotRequests: 2',
        'ChatbotErrors: 1', 'ChatbotOutcome-200-success: 1', 'ChatbotOutcome-422-validation_error: 1',
        'ChatbotTokens: \d+', 'ChatbotOpenCircuits: 0', 'ChatbotLastDelivery: off';
    like($server->request('GET', '/server-status')->{body},
        qr{<h2>Chatbot</h2>.*<th scope="row">Chats in flight</th><td>0</td>}s, 'the page has a section');
    my $info = $server->request('GET', '/server-info')->{body};
    like($info, qr/$_/, "mod_info shows $_") for qw(ChatbotMetrics ChatbotMaxInFlight);
    my $answer = $server->request('GET', '/metrics');
    is($answer->{headers}{'content-type'}, 'text/plain; version=0.0.4; charset=utf-8', '/metrics: Prometheus\'s type');
    is($server->request('HEAD', '/metrics')->{status}, 200, 'HEAD');
    is($server->request('POST', '/metrics')->{status}, 405, 'POST is refused');
    my ($old) = $server->children;
    ok($server->graceful, 'a graceful restart');
    Chatbot::Httpd::wait_for(10, sub { !grep { $_ == $old } $server->children });
    my %samples = samples($server);
    is(sample_sum(\%samples, 'chatbot_requests_total'), 2, 'nothing is forgotten');
    $server->stop_ok;
    is($emulator->count('calls', 'PutMetricData'), $before, 'Off: nothing is sent');
};

subtest 'Prometheus reads it' => sub {
    my $python = '/usr/bin/python3';
    plan skip_all => 'python3-prometheus-client is not installed'
        if system("$python -c 'import prometheus_client' 2>/dev/null") != 0;
    my $server = start(undef, "ChatbotMetrics Off\n");
    $server->chat('Hello');
    $server->chat('{{error ValidationException}}');
    wait_until_counted($server, 2);
    open(my $file, '>', "$server->{dir}/metrics") or die $!;
    print $file $server->request('GET', '/metrics')->{body};
    close $file;
    my $read = `$python t/lib/read_exposition.py $server->{dir}/metrics 2>&1`;
    is($?, 0, 'its own parser reads every line') or diag($read);
    like($read, qr/^chatbot_requests counter 2$/m, 'requests, a counter');
    like($read, qr/^chatbot_request_duration_seconds histogram 2$/m, 'durations, a histogram whose buckets grow');
    $server->stop_ok;
};

# The code's own table: [CloudWatch's name, Prometheus's, unit, help].
sub table {
    open(my $file, '<', 'modules/shm/metrics.h') or die "modules/shm/metrics.h: $!";
    my $text = do { local $/ = undef; <$file> };
    $text =~ s/\\\n/ /g;
    my @rows;
    while ($text =~ /X\(\w+, "([^"]*)", "([^"]*)", "([^"]*)",\s*((?:"[^"]*"\s*)+)\)/g) {
        my ($cloudwatch, $prometheus, $unit, $help) = ($1, $2, $3, $4);
        push @rows, [ $cloudwatch, $prometheus, $unit, join '', $help =~ /"([^"]*)"/g ];
    }
    return @rows;
}

subtest 'the manual has each metric' => sub {
    open(my $file, '<', 'docs/metrics.md') or die "docs/metrics.md: $!";
    my %documented = map { $_ => 1 } grep { /^\| .*chatbot_/ } map { s/\s+\z//r } <$file>;
    my @rows = table();
    cmp_ok(scalar @rows, '>=', 14, 'the table is read');
    for my $row (@rows) {
        my ($cloudwatch, $prometheus, $unit, $help) = @$row;
        my $line = sprintf '| %s | `%s` | %s | %s |', $cloudwatch ? "`$cloudwatch`" : "\xe2\x80\x93", $prometheus, $unit, $help;
        ok(delete $documented{$line}, $prometheus) or diag("missing: $line");
    }
    is(join("\n", keys %documented), '', 'and no other');
};

subtest 'configtest' => sub {
    my @wrong = (
        'ChatbotMetrics maybe' => qr/write cloudwatch, emf or Off/,
        'ChatbotMetricsNamespace AWS/Chat' => qr/no namespace/,
        'ChatbotMetricsNamespace :x' => qr/no namespace/,
        'ChatbotMetricsInterval 10ms' => qr/write 1s to 1h/,
        'ChatbotMetricsInterval 2h' => qr/write 1s to 1h/,
        'ChatbotMetricsDimension Endpoint x' => qr/no name of a dimension/,
        'ChatbotMetricsDimension Retries x' => qr/no name of a dimension/,
        'ChatbotMetricsDimension Stage " "' => qr/no value of a dimension/,
        join("\n", map { "ChatbotMetricsDimension D$_ x" } 1 .. 29) => qr/more than 28 dimensions/,
        'ChatbotMetricsDimension Stage ' . ('x' x 1020) => qr/longer than 1024 bytes/,
        "ErrorLog syslog:user\nChatbotMetrics emf" => qr/a line of syslog is no document/,
    );
    while (my ($lines, $message) = splice(@wrong, 0, 2)) {
        my ($status, $text) = Chatbot::Server->configtest(chatbot => $lines);
        my ($first) = split /\n/, $lines;
        ok($status != 0 && $text =~ $message, substr($first, 0, 60)) or diag($text);
    }
    my ($status) = Chatbot::Server->configtest(chatbot => join "\n", 'ChatbotMetrics CloudWatch',
        'ChatbotMetricsNamespace "My Shop/Chat"', 'ChatbotMetricsInterval 5min', 'ChatbotMetricsDimension Stage prod');
    is($status, 0, 'all of them, right');
};

done_testing();
