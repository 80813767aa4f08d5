#!/usr/bin/env perl
# Where AWS credentials come from, end to end: every source, their order, what is broken, what expires.
use strict;
use warnings;
use lib 't/lib';
use File::Temp qw(tempdir);
use JSON::PP ();
use Test::More;
use Time::HiRes qw(time);
use Chatbot::Load;
use Chatbot::Server;

my %SECRETS = (
    static  => 'static-secret-key-of-a-profile-0000000000',
    session => 'temporary-secret-key-0000000000000000000',
    token   => 'IQoJtemporary-session-token/of+a-test====' x 8,
);
my $emulator = Chatbot::Emulator->start(config => <<"CONF");
EmulatorAccessKey AKIAPROFILEEXAMPLE00 $SECRETS{static}
EmulatorAccessKey ASIASESSIONEXAMPLE00 $SECRETS{session} $SECRETS{token}
CONF
my $slow = $ENV{SANITIZER} ? 5 : 1;
my $folder = tempdir('chatbot-aws-XXXXXX', TMPDIR => 1, CLEANUP => 1);
chmod(0755, $folder);

# A file that httpd's children can read.
sub file {
    my ($name, $text) = @_;
    Chatbot::Httpd::_write("$folder/$name", $text);
    return "$folder/$name";
}

# The environment of each source, alone.
my %SESSION = (AWS_ACCESS_KEY_ID => 'ASIASESSIONEXAMPLE00', AWS_SECRET_ACCESS_KEY => $SECRETS{session},
    AWS_SESSION_TOKEN => $SECRETS{token});
my $STATIC = "aws_access_key_id = AKIAPROFILEEXAMPLE00\naws_secret_access_key = $SECRETS{static}\n";
my %PROFILE = (AWS_SHARED_CREDENTIALS_FILE => file('credentials', "[default]\n$STATIC"),
    AWS_CONFIG_FILE => file('config', "[profile other]\nregion = us-west-2\n"));
my %WEB_IDENTITY = (AWS_WEB_IDENTITY_TOKEN_FILE => file('token', Chatbot::Emulator->web_identity_token),
    AWS_ROLE_ARN => 'arn:aws:iam::123456789012:role/pod', AWS_ROLE_SESSION_NAME => 'a-test');
my %CONTAINER = ($emulator->container_credentials('task'), AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE =>
        file('container-token', "a-container-token-0123456789\n"));
my %INSTANCE = ($emulator->imds_credentials, AWS_EC2_METADATA_DISABLED => 'false');

sub forget {
    $emulator->reset_state;
    $emulator->set(container_token => 'a-container-token-0123456789');
    return;
}

# An httpd with no credentials but those of this environment.
sub server_with {
    my ($environment, %option) = @_;
    forget() if !$option{keep};
    return Chatbot::Server->start(emulator => $emulator, credentials => 0, env => $environment, %option);
}

# The warnings and worse of its log.
sub tail_of { return join "\n", grep { /:(?:warn|error|crit)\]/ } split /\n/, $_[0]->error_log }

sub last_key { return ($emulator->calls('InvokeAgent'))[-1]{access_key} // 'none' }

# A server with that environment answers, with credentials of that source, and its log says so.
sub source_is {
    my ($name, $environment, $source, $key, %option) = @_;
    return subtest $name => sub {
        my $server = server_with($environment, %option);
        my $answer = $server->chat('Hello');
        is($answer->{status}, 200, 'a chat is answered') or diag(tail_of($server));
        like(last_key(), $key, 'with the key expected');
        like($server->error_log, qr/CHAT0111: using AWS credentials of $source: access key \w{4,8}\.\.\./, 'the log names the source');
        $server->stop_ok;
    };
}

my %source = (
    'env'          => [ 'the environment',           qr/^ASIASESSIONEXAMPLE00$/, \%SESSION ],
    'profile'      => [ 'the profile "default"',     qr/^AKIAPROFILEEXAMPLE00$/, \%PROFILE ],
    'web-identity' => [ 'the role \S+role/pod \(web identity\)', qr/^ASIA/,      \%WEB_IDENTITY ],
    'container'    => [ 'the container\'s role',     qr/^ASIA/,                  \%CONTAINER ],
    'imds'         => [ 'the instance\'s role',      qr/^ASIA/,                  \%INSTANCE ],
);
my @ORDER = qw(env profile web-identity container imds);

# The first that is there wins; so each is taken away in turn.
for my $first (0 .. $#ORDER) {
    my %environment = map { %{ $source{$_}[2] } } @ORDER[ $first .. $#ORDER ];
    my ($name, $key) = @{ $source{ $ORDER[$first] } };
    source_is("auto, of @ORDER[$first .. $#ORDER]", \%environment, $name, $key);
}

# ChatbotAWSCredentials: that source alone, though all the others are there.
for my $choice (@ORDER) {
    my %environment = map { %{ $source{$_}[2] } } @ORDER;
    source_is("ChatbotAWSCredentials $choice", \%environment, @{ $source{$choice} }[ 0, 1 ],
        chatbot => "ChatbotAWSCredentials $choice\n");
}

subtest 'ChatbotAWSCredentials auto over an inner one' => sub {
    my $server = server_with({ %SESSION, %PROFILE }, ports => 1, chatbot => "ChatbotAWSCredentials profile\n",
        config => sub { my ($self) = @_; return <<"VHOST" });
Listen 127.0.0.1:$self->{ports}[0]
<VirtualHost 127.0.0.1:$self->{ports}[0]>
    ChatbotAWSCredentials auto
</VirtualHost>
VHOST
    my $other = Chatbot::Client->new(port => $server->{ports}[0]);
    is($other->request('POST', '/chat', body => { message => 'Hello' })->{status}, 200, 'the virtual host answers');
    is(last_key(), 'ASIASESSIONEXAMPLE00', 'with its own credentials');
    is($server->chat('Hello')->{status}, 200, 'the main server answers');
    is(last_key(), 'AKIAPROFILEEXAMPLE00', 'with its own');
    $server->stop_ok;
};

# -- profiles ------------------------------------------------------------------------------------

my $profiles = 0;

sub profiles {
    my ($config, %more) = @_;
    return { AWS_CONFIG_FILE => file('profiles-' . $profiles++, $config), AWS_SHARED_CREDENTIALS_FILE => file('none', ''), %more };
}

my $ROLE = 'role_arn = arn:aws:iam::123456789012:role/reader';
source_is('a profile with a role and source_profile',
    profiles("[profile web]\n$ROLE\nsource_profile = base\nexternal_id = abc\n[profile base]\n$STATIC", AWS_PROFILE => 'web'),
    'the role \S+role/reader \(profile web\)', qr/^ASIA/);
is(($emulator->calls('AssumeRole'))[0]{access_key}, 'AKIAPROFILEEXAMPLE00', 'the role was asked for with the source\'s key');

source_is('a chain of roles',
    profiles("[profile web]\n$ROLE\nsource_profile = middle\n[profile middle]\nrole_arn = arn:aws:iam::123456789012:role/middle\n"
            . "source_profile = base\n[profile base]\n$STATIC", AWS_PROFILE => 'web'),
    'the role \S+role/reader \(profile web\)', qr/^ASIA/);
is(scalar($emulator->calls('AssumeRole')), 2, 'two roles were assumed');
like(($emulator->calls('AssumeRole'))[1]{access_key}, qr/^ASIA/, 'the second with the first');

for my $case ([ Environment => \%SESSION, qr/^ASIASESSIONEXAMPLE00$/ ], [ EcsContainer => \%CONTAINER, qr/^ASIA/ ],
    [ Ec2InstanceMetadata => \%INSTANCE, qr/^ASIA/ ]) {
    my ($kind, $environment, $key) = @$case;
    source_is("credential_source = $kind", profiles("[profile web]\n$ROLE\ncredential_source = $kind\n", %$environment),
        'the role \S+role/reader \(profile web\)', qr/^ASIA/, chatbot => "ChatbotAWSProfile web\nChatbotAWSCredentials profile\n");
    like(($emulator->calls('AssumeRole'))[0]{access_key}, $key, "$kind: the role was asked for with it");
}

source_is('ChatbotAWSProfile wins over AWS_PROFILE', profiles("[profile good]\n$STATIC\n[profile bad]\n$ROLE\n", AWS_PROFILE => 'bad'),
    'the profile "good"', qr/^AKIAPROFILE/, chatbot => "ChatbotAWSProfile good\n");

source_is('a profile\'s web identity',
    profiles("[profile web]\n$ROLE\nweb_identity_token_file = $WEB_IDENTITY{AWS_WEB_IDENTITY_TOKEN_FILE}\n", AWS_PROFILE => 'web'),
    'the role \S+role/reader \(profile web\)', qr/^ASIA/);

# -- the instance --------------------------------------------------------------------------------

subtest 'the region of the instance' => sub {
    forget();
    $emulator->set(imds_zone => 'eu-central-1b');
    my $server = server_with(\%INSTANCE, keep => 1, region => 0);
    my $answer;
    ok(Chatbot::Httpd::wait_for(5, sub { ($answer = $server->chat('Hello'))->{status} == 200 }), 'a chat is answered')
        or diag($answer->{body});
    like($server->error_log, qr/CHAT0415: the AWS region is the instance's own: eu-central-1/, 'the log names the region');
    ok(scalar($emulator->calls('IMDSRegion')), 'the instance was asked');
    $server->stop_ok;
};

subtest 'no region anywhere' => sub {
    my $server = server_with(\%SESSION, region => 0);
    my $answer = $server->chat('Hello');
    is($answer->{status}, 503, 'status 503');
    is($answer->{json}{error_code}, 'not_configured', 'not_configured');
    like($server->error_log, qr/CHAT0414: no AWS region: .*set ChatbotAWSRegion or AWS_REGION/, 'the log says what to do');
    like($server->error_log, qr/CHAT0233: request $answer->{json}{request_id}: not_configured: no AWS region is known; write ChatbotAWSRegion/,
        'and why a chat was refused');
    $server->stop_ok;
};

# -- when none are needed ------------------------------------------------------------------------

my $laptop = "ChatbotBackend openai\nChatbotOpenAI @{[ $emulator->aws_url ]}/openai/v1\nChatbotModel llama3\n";

sub laptop_with {
    my ($metrics) = @_;
    forget();
    my $server = server_with(\%INSTANCE, keep => 1, region => 0, agent => 0, chatbot => "$laptop$metrics\n");
    is($server->chat('Hello')->{status}, 200, 'a chat is answered');
    return $server;
}

sub instance_was_asked { return $emulator->calls('IMDSRegion') || $emulator->calls('IMDSToken') }

subtest 'nothing calls AWS: its credentials are not looked for' => sub {
    my $server = laptop_with('ChatbotMetrics Off');
    $server->stop_ok;
    ok(!instance_was_asked(), 'nor its region');
    is(tail_of($server), '', 'and nothing is said of them');
};

subtest 'an own model, but numbers for CloudWatch' => sub {
    my $server = laptop_with('ChatbotMetrics cloudwatch');
    ok(Chatbot::Httpd::wait_for(5, \&instance_was_asked), 'the instance is asked');
    $server->stop_ok;
};

# -- what is configured but broken ---------------------------------------------------------------

# No other source is tried, though one that works is there behind it.
my $denied = 'role_arn = arn:aws:iam::123456789012:role/DENIED-role';
for my $case (
    [ 'a key without its secret', { AWS_ACCESS_KEY_ID => 'AKIAX' }, qr/AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not/ ],
    [ 'a profile that is not there', profiles("[default]\n$STATIC", AWS_PROFILE => 'lost'), qr/profile "lost": it is in neither/ ],
    [ 'a profile with a loop', profiles("[default]\n$ROLE\nsource_profile = b\n[profile b]\n$ROLE\nsource_profile = default\n"), qr/a loop/ ],
    [ 'single sign-on', profiles("[default]\nsso_start_url = https://a.example\n"), qr/sso_start_url is not supported: .*use a role/ ],
    [ 'credential_process', profiles("[default]\ncredential_process = /bin/false\n"), qr/credential_process is not supported/ ],
    [ 'a second factor', profiles("[default]\n$ROLE\nmfa_serial = arn:x\nsource_profile = b\n[profile b]\n$STATIC"), qr/mfa_serial is not supported/ ],
    [ 'a role that may not be assumed', profiles("[default]\n$denied\nsource_profile = b\n[profile b]\n$STATIC"), qr/HTTP 403: .*trust policy/ ],
    [ 'a token file that is not there', { %WEB_IDENTITY, AWS_WEB_IDENTITY_TOKEN_FILE => "$folder/lost" }, qr{reading .*/lost} ],
    [ 'a token that has expired', { %WEB_IDENTITY, AWS_WEB_IDENTITY_TOKEN_FILE =>
                file('old', Chatbot::Emulator->web_identity_token(-60)) }, qr/is the token in the file renewed\?/ ],
    [ 'a web identity without its role', { AWS_WEB_IDENTITY_TOKEN_FILE => $WEB_IDENTITY{AWS_WEB_IDENTITY_TOKEN_FILE} }, qr/AWS_ROLE_ARN is not/ ],
    [ 'a container\'s URL elsewhere', { AWS_CONTAINER_CREDENTIALS_FULL_URI => 'http://192.0.2.1/x' }, qr/http is allowed for localhost/ ],
    [ 'a container\'s token that is wrong', { %CONTAINER, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE => file('wrong', 'another') }, qr/HTTP 401/ ],
    [ 'a container\'s token with a line break', { %CONTAINER, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE => file('broken', "a\nX: b\n") }, qr/line break/ ],
) {
    my ($name, $environment, $reason) = @$case;
    subtest "broken: $name" => sub {
        my $server = server_with({ %INSTANCE, %$environment });
        my $answer = $server->chat('Hello');
        is($answer->{status}, 503, 'status 503');
        is($answer->{json}{error_code}, 'no_credentials', 'no_credentials');
        like($answer->{headers}{'retry-after'} // '', qr/^[1-9]\d*$/, 'Retry-After');
        unlike($answer->{body}, qr/AWS_|profile|127\.0|arn:|token/i, 'nothing of the inside');
        like($server->error_log, qr/CHAT0112: fetching AWS credentials: .*$reason.*503 no_credentials/, 'the log says why');
        is($emulator->count('calls'), 0, 'the agent was not asked');
        is($emulator->count('calls', 'IMDSToken'), 0, 'nor the next source');
        $server->stop_ok;
    };
}

for my $case ([ 'no role', { imds_role => '' }, qr/the instance has no role/ ], [ 'it is off', { imds_disabled => JSON::PP::true }, qr/HTTP 403/ ],
    [ 'another code', { imds_code => 'AssumeRoleUnauthorizedAccess' }, qr/AssumeRoleUnauthorizedAccess/ ],
    [ 'no answer', { imds_hang => JSON::PP::true }, qr/hop limit/ ]) {
    my ($name, $switches, $reason) = @$case;
    subtest "broken: instance metadata: $name" => sub {
        forget();
        $emulator->set(%$switches);
        my $server = server_with(\%INSTANCE, keep => 1);
        is($server->chat('Hello')->{json}{error_code}, 'no_credentials', 'no_credentials');
        like($server->error_log, qr/CHAT0112: fetching AWS credentials: .*$reason/, 'the log says why');
        $emulator->reset_state;
        ok(Chatbot::Httpd::wait_for(15, sub { $server->chat('Hello')->{status} == 200 }), 'once it works, chats are answered');
        $server->stop_ok;
    };
}

subtest 'ChatbotAWSCredentials names a source that is not there' => sub {
    for my $choice (@ORDER) {
        my $server = server_with({}, chatbot => "ChatbotAWSCredentials $choice\n");
        is($server->chat('Hello')->{json}{error_code}, 'no_credentials', "$choice: no_credentials");
        like($server->error_log, qr/CHAT0112: /, "$choice: the log says why");
        $server->stop_ok;
    }
};

subtest 'wrong values' => sub {
    for my $case ([ 'ChatbotAWSCredentials ec2', qr/ChatbotAWSCredentials: "ec2" is no source; write one of: auto env profile web-identity container imds/ ],
        [ 'ChatbotAWSCredentials env profile', qr/ChatbotAWSCredentials takes one/ ], [ 'ChatbotAWSProfile ""', qr/ChatbotAWSProfile takes one/ ],
        [ "<Location /chat>\nChatbotAWSCredentials env\n</Location>", qr/ChatbotAWSCredentials (?:cannot occur|not allowed)/ ],
        [ "<Location /chat>\nChatbotAWSProfile a\n</Location>", qr/ChatbotAWSProfile (?:cannot occur|not allowed)/ ]) {
        my ($status, $text) = Chatbot::Server->configtest(emulator => 0, chatbot => $case->[0]);
        isnt($status, 0, "refused: $case->[0]");
        like($text, $case->[1], 'with a hint');
    }
    my ($status, $text) = Chatbot::Server->configtest(emulator => 0, chatbot => 'ChatbotAWSCredentials IMDS');
    is($status, 0, 'in any case of letters') or diag($text);
};

# -- secrets -------------------------------------------------------------------------------------

subtest 'no secret in any log' => sub {
    # As a container's, those of the file: their secret and token are known here.
    Chatbot::Httpd::_write($emulator->dir . '/htdocs/set.json', JSON::PP->new->encode({ AccessKeyId => 'ASIASESSIONEXAMPLE00',
        SecretAccessKey => $SECRETS{session}, Token => $SECRETS{token}, Expiration => '2099-01-01T00:00:00Z' }));
    my $uri = { AWS_CONTAINER_CREDENTIALS_FULL_URI => $emulator->url('/set.json?password=of-the-url'),
        AWS_CONTAINER_AUTHORIZATION_TOKEN => 'a-container-token-0123456789' };
    for my $environment (\%SESSION, \%PROFILE, \%WEB_IDENTITY, \%CONTAINER, $uri, \%INSTANCE,
        profiles("[default]\n$ROLE\nsource_profile = b\n[profile b]\n$STATIC")) {
        my $server = server_with($environment, log_level => 'trace8');
        is($server->chat('Hello')->{status}, 200, 'a chat is answered');
        $server->chat('{{error ExpiredTokenException 403}}');
        $server->chat('{{status 503}}');
        my $logs = join "\n", $server->error_log, $server->access_log, Chatbot::Httpd::_slurp($server->dir . '/notes_log');
        like($logs, qr/CHAT0101/, 'at trace8');
        unlike($logs, qr/\Q$_\E/, 'not there') for values %SECRETS, 'a-container-token', 'of-the-url';
        unlike($logs, qr{IQoJ|eyJ|Signature=|[A-Za-z0-9/+]{80}}, 'nor a token that was given out, nor a signature');
        $server->stop_ok;
    }
};

# -- what expires --------------------------------------------------------------------------------

subtest 'sets that live three seconds, under 200 chats' => sub {
    my $children = 2;
    my $rounds = 10;
    forget();
    $emulator->set(container_lifetime => 3);
    my $server = server_with(\%CONTAINER, keep => 1, children => $children, chatbot => "ChatbotMaxInFlight 1000\n");
    my $started = time();
    my $result = Chatbot::Load->run($server->port, -c => 200, -n => 200 * $rounds, 'POST /chat {"message":"{{delay 1000}} Hello"}');
    my $took = time() - $started;
    is_deeply($result->{statuses}, { 200 => 200 * $rounds }, 'every chat is answered') or diag(explain($result));
    my $issued = $emulator->issued('container');
    note("$issued sets in $took s for " . 200 * $rounds . ' chats');
    cmp_ok($issued, '>=', 4 * $children, 'the sets were renewed');
    cmp_ok($issued, '<=', $children * ($took + 3), 'at most once a second in each child');
    is(scalar(grep { $_->{signature} ne 'ok' } $emulator->calls('InvokeAgent')), 0, 'none was used when it had expired');
    unlike($server->error_log, qr/CHAT011[2-6]/, 'and there is nothing to tell');
    $server->stop_ok;
};

for my $code ('ExpiredTokenException', 'UnrecognizedClientException') {
    subtest "$code: one refresh, one other attempt" => sub {
        my $server = server_with(\%CONTAINER);
        is($server->chat('Hello')->{status}, 200, 'a chat is answered');
        # A set that has just come is not doubted yet: until it is, the other attempt is made with it.
        my ($answer, $asked);
        ok(Chatbot::Httpd::wait_for(10, sub {
            $asked = $emulator->issued('container');
            $emulator->faults({ operation => 'InvokeAgent', commands => "{{error $code 403}}", times => 1 });
            $answer = $server->chat('Hello again');
            return $answer->{status} != 200 || $server->error_log =~ /CHAT0116/;
        }), 'it is doubted');
        is($answer->{status}, 200, 'the chat is answered nevertheless');
        my ($refused, $repeated) = ($emulator->calls('InvokeAgent'))[ -2, -1 ];
        is($refused->{headers}{'amz-sdk-invocation-id'}, $repeated->{headers}{'amz-sdk-invocation-id'}, 'by another attempt');
        isnt($refused->{access_key}, $repeated->{access_key}, 'with another key');
        is($emulator->issued('container'), $asked + 1, 'after one refresh');
        is($server->notes($answer->{headers}{'x-request-id'})->{retries}, 1, 'one retry in the access log');
        like($server->error_log, qr/CHAT0116: AWS does not take the credentials of the container's role .* any more/, 'the log says so');
        $server->stop_ok;
    };
}

subtest 'new credentials are refused as well' => sub {
    my $server = server_with(\%CONTAINER);
    is($server->chat('Hello')->{status}, 200, 'a chat is answered');
    my $answer = $server->chat('{{error ExpiredTokenException 403}} Hello');
    is($answer->{status}, 502, 'status 502');
    is($answer->{json}{error_code}, 'upstream_access_denied', 'upstream_access_denied');
    is($emulator->count('calls'), 3, 'two attempts, no more');
    $server->chat('{{error ExpiredTokenException 403}} Hello') for 1 .. 20;
    cmp_ok($emulator->issued('container'), '<=', 3 * $slow, 'refusals in a row do not flood the source');
    is($server->chat('Hello')->{status}, 200, 'and the next chat is answered');
    $server->stop_ok;
};

subtest 'the source goes away and comes back' => sub {
    forget();
    $emulator->set(container_lifetime => 4);
    my $server = server_with(\%CONTAINER, keep => 1);
    is($server->chat('Hello')->{status}, 200, 'a chat is answered');
    $emulator->faults({ operation => 'ContainerCredentials', commands => '{{status 500}}' });
    my $answer;
    ok(Chatbot::Httpd::wait_for(20, sub { ($answer = $server->chat('Hello'))->{status} != 200 }), 'in the end there are none');
    is($answer->{json}{error_code}, 'no_credentials', 'no_credentials');
    like($server->error_log, qr/CHAT011[23]: (?:fetching|renewing) AWS credentials: .*HTTP 500/, 'the log says why');
    is(scalar(() = $server->error_log =~ /request \S+: (?!no_credentials)\w+: /g), 0, 'no other failure in between');
    my $started = time();
    is($server->chat('Hello')->{status}, 503, 'still none');
    cmp_ok(time() - $started, '<', 0.05 * $slow, 'refused within 50 ms');
    $emulator->control('DELETE', 'faults');
    ok(Chatbot::Httpd::wait_for(15, sub { $server->chat('Hello')->{status} == 200 }), 'once it is back, chats are answered');
    $server->stop_ok;
};

subtest 'an instance\'s set stays in use when it cannot be renewed' => sub {
    forget();
    $emulator->set(imds_lifetime => 2, credentials_grace_ms => 600000);
    my $server = server_with(\%INSTANCE, keep => 1);
    is($server->chat('Hello')->{status}, 200, 'a chat is answered');
    $emulator->set(imds_disabled => JSON::PP::true);
    my @statuses;
    ok(Chatbot::Httpd::wait_for(20, sub {
        push @statuses, $server->chat('Hello')->{status};
        $server->error_log =~ /CHAT0114: renewing AWS credentials: .* stay in use though they expired at/;
    }), 'the log says that they expired') or diag(tail_of($server));
    push @statuses, map { $server->chat('Hello')->{status} } 1 .. 5;
    is(scalar(grep { $_ != 200 } @statuses), 0, 'every chat is answered all the while');
    $server->stop_ok;
};

done_testing();
