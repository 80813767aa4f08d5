#!/usr/bin/env perl
# conf/ecs-task-definition.json is one that AWS's model of RegisterTaskDefinition takes, and agrees with the
# Dockerfile, the variables of the container, and the policy.
use strict;
use warnings;
use lib 't/lib';
use JSON::PP ();
use Test::More;
use Chatbot::Dockerfile;
use Chatbot::Httpd;

my $json = JSON::PP->new;
my $text = Chatbot::Httpd::_slurp('conf/ecs-task-definition.json');
my %value = (REGION => 'us-east-1', ACCOUNT_ID => '123456789012', AGENT_ID => 'AGENT12345', AGENT_ALIAS_ID => 'TSTALIASID',
    SUBNETS => '10.0.1.0/24 10.0.2.0/24', VERSION => '0.1.0');
$text =~ s/\b(AGENT_ALIAS_ID|AGENT_ID|ACCOUNT_ID|REGION|SUBNETS|VERSION)\b/$value{$1}/g;
my $task = $json->decode($text);
my ($container) = @{ $task->{containerDefinitions} };
my %environment = map { $_->{name} => $_->{value} } @{ $container->{environment} };
my $file = Chatbot::Dockerfile->parse('Dockerfile');

# The first python3 that has botocore.
sub python {
    for my $python (qw(python3 /usr/bin/python3)) {
        return $python if system("$python -c 'import botocore.session' >/dev/null 2>&1") == 0;
    }
    return undef;
}

subtest 'RegisterTaskDefinition' => sub {
    my $python = python() // plan skip_all => 'RegisterTaskDefinition: botocore is not installed (Debian: python3-botocore)';
    my $folder = File::Temp->newdir;
    Chatbot::Httpd::_write("$folder/task.json", $text);
    Chatbot::Httpd::_write("$folder/check.py", <<'PYTHON');
import json, sys
import botocore.session
from botocore.validate import ParamValidator

model = botocore.session.get_session().get_service_model('ecs').operation_model('RegisterTaskDefinition').input_shape

def values(shape, value, path=''):
    """Enumerations, which ParamValidator does not look at."""
    if shape.type_name == 'structure':
        for name in value:
            yield from values(shape.members[name], value[name], path + '.' + name)
    elif shape.type_name == 'list':
        for item in value:
            yield from values(shape.member, item, path + '[]')
    elif shape.type_name == 'map':
        for name in value:
            yield from values(shape.key, name, path + '{}')
    elif getattr(shape, 'enum', None) and value not in shape.enum:
        yield '%s: %s is none of %s' % (path, value, shape.enum)

with open(sys.argv[1]) as task_file:
    task = json.load(task_file)
report = ParamValidator().validate(task, model)
print(report.generate_report() or '\n'.join(values(model, task)), end='')
PYTHON
    is(`$python $folder/check.py $folder/task.json 2>&1`, '', 'AWS\'s model takes it');
    $text =~ s/"awsvpc"/"awsvpn"/ or die 'no awsvpc';
    Chatbot::Httpd::_write("$folder/wrong.json", $text =~ s/"softLimit"/"softlimit"/r);
    like(`$python $folder/check.py $folder/wrong.json 2>&1`, qr/softLimit/, 'and not every one');
    Chatbot::Httpd::_write("$folder/wrong.json", $text);
    like(`$python $folder/check.py $folder/wrong.json 2>&1`, qr/awsvpn is none of/, 'nor any value');
};

subtest 'on Fargate' => sub {
    is_deeply($task->{requiresCompatibilities}, ['FARGATE'], 'that is what it is for');
    is($task->{networkMode}, 'awsvpc', 'its network');
    is("$task->{cpu} $task->{memory}", '512 1024', 'half a CPU and 1 GiB');
    ok(!exists $container->{linuxParameters}{tmpfs}, 'no tmpfs, which Fargate does not have');
    cmp_ok($container->{stopTimeout}, '<=', 120, 'stopTimeout is at most 120 s');
    like($task->{$_}, qr{^arn:aws:iam::\d{12}:role/[\w+=,.\@-]+$}, "$_ is a role") for qw(taskRoleArn executionRoleArn);
    is($container->{logConfiguration}{logDriver}, 'awslogs', 'the log driver');
    ok($container->{logConfiguration}{options}{"awslogs-$_"}, "awslogs-$_") for qw(group region stream-prefix);
};

subtest 'and the Dockerfile' => sub {
    is_deeply([ map { $_->{containerPort} } @{ $container->{portMappings} } ], [ $file->last_stage('EXPOSE') ], 'one port');
    my ($health) = $file->last_stage('HEALTHCHECK');
    my ($command) = $health =~ /CMD (\[.*\])$/;
    is_deeply($container->{healthCheck}{command}, [ 'CMD', @{ $json->decode($command) } ], 'one health check');
    my %option = $health =~ /--([a-z-]+)=(\d+)/g;
    is_deeply([ @{ $container->{healthCheck} }{qw(interval timeout startPeriod retries)} ], [ @option{qw(interval timeout start-period retries)} ],
        'of the same times');
    is_deeply([ map { $_->{containerPath} } @{ $container->{mountPoints} } ], $json->decode(($file->last_stage('VOLUME'))[0]), 'one folder to write to');
    is_deeply([ map { $_->{sourceVolume} } @{ $container->{mountPoints} } ], [ map { $_->{name} } @{ $task->{volumes} } ], 'which is a volume of the task');
    ok($container->{readonlyRootFilesystem}, 'the rest cannot be written to');
};

subtest 'and its variables' => sub {
    my %known = map { $_ => 1 } Chatbot::Httpd::_slurp('conf/container-start') =~ /^setting (\w+)/mg,
        map { /`([A-Z][A-Z_]+)`/g } Chatbot::Httpd::_slurp('docs/directives.md') =~ /^(\| `[A-Z_]+`.*)$/mg;
    ok($known{$_}, "$_ is one that is read") for sort keys %environment;
    my $pid = open(my $output, '-|') // die "fork: $!\n";
    if ($pid == 0) {
        %ENV = (PATH => $ENV{PATH}, %environment);
        open(STDERR, '>&', \*STDOUT);
        exec(qw(conf/container-start sh -c), 'env; ulimit -n') or POSIX::_exit(127);
    }
    my $shown = do { local $/ = undef; <$output> };
    ok(close($output), 'conf/container-start takes them') or diag($shown);
    my %set = $shown =~ /^(\w+)=(.*)$/mg;
    cmp_ok($set{CHATBOT_TIMEOUT}, '<', 29, 'a chat ends before API Gateway\'s 29 s');
    cmp_ok($set{CHATBOT_STOP_TIMEOUT}, '<', $container->{stopTimeout}, 'httpd ends before it is killed');
    my ($limit) = @{ $container->{ulimits} };
    cmp_ok($limit->{softLimit}, '>=', 2 * $set{CHATBOT_MAX_IN_FLIGHT} + 256, 'each chat has its two descriptors');
    my $table = $json->decode(Chatbot::Httpd::_slurp('conf/dynamodb-table.json'))->{TableName};
    is($set{CHAT_SESSIONS_TABLE}, $table, 'the table is that of conf/dynamodb-table.json');
    is($set{CHATBOT_RATE_LIMIT_SHARED}, "dynamodb:$table", 'which all tasks count in');
    like(Chatbot::Httpd::_slurp('conf/iam-policy.json'), qr{:table/\Q$table\E"}, 'and that of the policy');
};

done_testing();
