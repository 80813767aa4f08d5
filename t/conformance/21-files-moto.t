#!/usr/bin/perl
# Files of chats in an S3 that is not ours: what moto's server was given, read back with boto3.
use strict;
use warnings;

use FindBin qw($Bin);
use lib $Bin, "$Bin/../lib";
use Chatbot::Server;
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use Moto;
use Test::More;
use Vectors qw(start_helper end_helper);

my $moto = Moto->start('files at moto');
@ENV{qw(CLIENT_ACCESS_KEY CLIENT_SECRET_KEY)} = @ENV{qw(AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY)};    # of s3_put

# Every object there; further names are buckets to make first.
sub objects {
    my (@buckets) = @_;
    return decode_json(scalar(qx(${\$moto->python} $Bin/read_s3.py ${\$moto->url} @buckets)) || die "no objects were read\n");
}

is_deeply objects('chat-uploads', 'chat.uploads'), {}, 'two buckets with nothing in them';
my $server = Chatbot::Server->start(chatbot => "ChatbotMaxBody 20m\nChatbotAWSEndpoint s3 " . $moto->url, config => <<'CONF');
<Location "/plain">
    SetHandler chatbot
    ChatbotFileBucket chat-uploads
</Location>
<Location "/dotted">
    SetHandler chatbot
    ChatbotFileBucket chat.uploads "a_1-b.c/it's(new)!*/"
</Location>
<Location "/lost">
    SetHandler chatbot
    ChatbotFileBucket no-such-bucket
</Location>
CONF

my @files = (
    { type => 'text/plain',               bytes => "Gr\xc3\xbc\xc3\x9fe\r\n" },
    { type => 'application/octet-stream', bytes => join '', map { chr } 0 .. 255 },
    { type => 'image/png',                bytes => "\x89PNG\r\n\x1a\n\0" },
    { type => 'application/vnd.x+json',   bytes => '{}' },
    { type => 'application/pdf',          bytes => '0123456789abcdef' x 65536 },
);

sub chat {
    my ($path, %more) = @_;
    my @sent = map { { name => 'a file', media_type => $_->{type}, data => encode_base64($_->{bytes}, '') } } @files;
    return $server->request('POST', $path, body => { message => '{{show sessionState.files}}', files => \@sent, %more });
}

# Chats, and asks the agent where the files are said to be.
sub told {
    my ($path, $session) = @_;
    my $answer = chat($path, session_id => $session);
    is $answer->{status}, 200, "$path: answered" or diag $answer->{body};
    my $files = eval { decode_json($answer->{json}{response}) } // [];
    return map { $_->{source}{s3Location}{uri} } @$files;
}

my @plain  = told('/plain',  'se:ss_i.on-1');
my @dotted = told('/dotted', 'se:ss_i.on-2');
unlike $server->error_log, qr/CHAT022\d|dependency_failed/, 'nothing to complain of';

my $asked = $server->emulator->count('calls');
my $answer = chat('/lost');
is $answer->{status}, 502, 'a bucket that is not there';
is $answer->{json}{error_code}, 'dependency_failed', 'is a dependency that failed';
like $server->error_log, qr/CHAT0301: .*dependency_failed: .*NoSuchBucket/, q{with moto's reason in the log};
is $server->emulator->count('calls'), $asked, 'the agent was not asked';
$server->stop_ok;

start_helper('s3_put');
my %put = (url => $moto->url, bucket => 'chat-uploads', key => 'taken', type => 'text/plain');
my $first = Vectors::ask({ %put, body => 'first' });
ok $first->{stored}, 'If-None-Match: * where there is nothing' or diag explain $first;
my $second = Vectors::ask({ %put, body => 'second' });
ok !$second->{stored}, 'and where there is something';
is $second->{code}, 'PreconditionFailed', 'is understood';
end_helper();

# ---- what is there ----

my $objects = objects();
is_deeply [sort keys %$objects], [sort @plain, @dotted, 's3://chat-uploads/taken'], 'the objects that were told of, and no others';
is $objects->{'s3://chat-uploads/taken'}{bytes}, encode_base64('first', ''), 'none is overwritten';
for ([ 'a bucket', 's3://chat-uploads/se:ss_i.on-1/', @plain ], [ 'a prefix', q{s3://chat.uploads/a_1-b.c/it's(new)!*/se:ss_i.on-2/}, @dotted ]) {
    my ($what, $folder, @uris) = @$_;
    is scalar @uris, scalar @files, "$what: each file";
    like $_, qr{\A\Q$folder\E[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z}, "$what: a key in its session's folder" for @uris;
    for my $i (0 .. $#uris) {
        is $objects->{ $uris[$i] }{type}, $files[$i]{type}, "$what: file $i: its type";
        ok $objects->{ $uris[$i] }{bytes} eq encode_base64($files[$i]{bytes}, ''), "$what: file $i: its bytes, each of " . length $files[$i]{bytes};
    }
}
done_testing;
