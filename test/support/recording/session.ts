/** A command that a person would type, and what is expected of it. */
export interface ScriptedCommand {
  /** For the shell. `{name}` stands for what an earlier command kept. */
  readonly run: string;
  /** What the client must show. */
  readonly shows: RegExp;
  /** The exit code; 0 when absent. */
  readonly exitCode?: number;
  /** The world gets there by itself in a moment: the command is repeated until it shows what it must. */
  readonly settles?: true;
  /** Names for parts of what is shown. */
  readonly keep?: Readonly<Record<string, RegExp>>;
}

/** Commands that belong together; one file of recordings. */
export interface Scene {
  readonly file: string;
  readonly title: string;
  readonly commands: readonly ScriptedCommand[];
}

const trunkLabel = "vpc.amazonaws.com/has-trunk-attached";
const folder = "examples/security-groups-for-pods";
const image = "public.ecr.aws/nginx/nginx:1.23";
const inTutorial = "-n my-namespace";

const nodes: Scene = {
  file: "1-nodes",
  title: "Nodes get their trunk ENI",
  commands: [
    { run: "kubectl rollout status daemonset aws-node -n kube-system", shows: /successfully rolled out/ },
    { run: "kubectl rollout status deployment coredns -n kube-system", shows: /successfully rolled out/ },
    { run: "kubectl get nodes -o wide", shows: /Ready/ },
    { run: "kubectl set env daemonset aws-node -n kube-system ENABLE_POD_ENI=true", shows: /env updated/ },
    { run: "kubectl rollout status daemonset aws-node -n kube-system", shows: /successfully rolled out/ },
    {
      run: `kubectl wait node --all --for=jsonpath='{.metadata.labels.vpc\\.amazonaws\\.com/has-trunk-attached}'=true`,
      shows: /condition met[\s\S]*condition met/,
    },
    { run: `kubectl get nodes -l ${trunkLabel}=true`, shows: /Ready[\s\S]*Ready/ },
    { run: "kubectl get cninodes", shows: /SecurityGroupsForPods/ },
    // Of the two nodes the one with CoreDNS is described, because the other shows other pods.
    {
      run: "kubectl get pods -n kube-system -l k8s-app=kube-dns -o wide",
      shows: /coredns.* 1\/1 +Running/,
      keep: { node: /(ip-\S+\.compute\.internal)/ },
    },
    {
      run: "kubectl describe node {node}",
      shows: /vpc.amazonaws.com\/pod-eni: +9[\s\S]*NodeTrunkInitiated/,
      settles: true,
    },
  ],
};

const tutorial: Scene = {
  file: "2-tutorial",
  title: "The tutorial's manifests",
  commands: [
    { run: `kubectl apply -f ${folder}`, shows: /deployment.apps\/my-deployment created/ },
    { run: `kubectl rollout status deployment my-deployment ${inTutorial}`, shows: /successfully rolled out/ },
    { run: `kubectl wait pod green red ${inTutorial} --for=condition=Ready`, shows: /pod\/red condition met/ },
    { run: `kubectl get pods ${inTutorial} -o wide`, shows: /green +1\/1/, keep: { pod: /^(my-deployment-\S+)/m } },
    { run: `kubectl get sgp ${inTutorial}`, shows: /SECURITY-GROUP-IDS[\s\S]*sg-/ },
    { run: `kubectl describe sgp my-security-group-policy ${inTutorial}`, shows: /Role: +my-role/ },
    { run: `kubectl describe pod green ${inTutorial}`, shows: /pod-eni:[\s\S]*ResourceAllocated/, settles: true },
    { run: `kubectl describe pod {pod} ${inTutorial}`, shows: /pod-eni:[\s\S]*ResourceAllocated/, settles: true },
    { run: `kubectl describe pod red ${inTutorial}`, shows: /Annotations: +<none>/, settles: true },
    { run: `kubectl get events ${inTutorial} --field-selector involvedObject.name=green`, shows: /ResourceAllocated/ },
    { run: `kubectl logs ${inTutorial} green`, shows: /Database connection successful/, settles: true },
    {
      run: `kubectl logs ${inTutorial} red`,
      shows: /Database connection failed due to timeout expired/,
      settles: true,
    },
    { run: `kubectl get all ${inTutorial}`, shows: /deployment.apps\/my-deployment +4\/4/, settles: true },
    { run: `kubectl apply -f ${folder}`, shows: /deployment.apps\/my-deployment unchanged/, settles: true },
  ],
};

const changes: Scene = {
  file: "3-changes",
  title: "Changes by hand",
  commands: [
    { run: `kubectl scale deployment my-deployment ${inTutorial} --replicas=6`, shows: /scaled/ },
    { run: `kubectl rollout status deployment my-deployment ${inTutorial}`, shows: /successfully rolled out/ },
    { run: `kubectl annotate pod green ${inTutorial} example.com/owner=team-a`, shows: /annotated/ },
    {
      run: `kubectl annotate pod green ${inTutorial} vpc.amazonaws.com/pod-eni=[] --overwrite`,
      shows: /can only be changed by system:serviceaccount:kube-system:vpc-resource-controller/,
      exitCode: 1,
    },
    {
      run: `kubectl annotate pod green ${inTutorial} vpc.amazonaws.com/pod-eni-`,
      shows: /can only be changed by system:serviceaccount:kube-system:vpc-resource-controller/,
      exitCode: 1,
    },
    { run: `kubectl label pod red ${inTutorial} tier=client`, shows: /labeled/ },
    { run: `kubectl get pods ${inTutorial} -l tier=client -o name`, shows: /^pod\/red$/m },
    { run: `kubectl delete pod red ${inTutorial}`, shows: /pod "red" deleted/ },
    { run: `kubectl get pod red ${inTutorial}`, shows: /pods "red" not found/, exitCode: 1 },
  ],
};

const interfaces: Scene = {
  file: "4-interfaces",
  title: "The aws CLI lists, filters and pages interfaces",
  commands: [
    {
      run: "aws ec2 describe-network-interfaces --filters Name=interface-type,Values=branch --page-size 5 --query 'length(NetworkInterfaces)'",
      shows: /^7$/m,
      settles: true,
    },
    {
      run: "aws ec2 describe-network-interfaces --filters Name=interface-type,Values=branch --page-size 5 --max-items 6 --query '[length(NetworkInterfaces), NextToken]'",
      shows: /6,\s+"\w+/,
    },
    {
      run: "aws ec2 describe-network-interfaces --filters 'Name=tag:trunkline:cluster,Values=demo' Name=interface-type,Values=trunk",
      shows: /aws-k8s-trunk-eni/,
      keep: { trunk: /"NetworkInterfaceId": "(eni-\w+)"/ },
    },
    { run: "aws ec2 describe-network-interfaces --network-interface-ids {trunk}", shows: /"InterfaceType": "trunk"/ },
    { run: "aws ec2 describe-trunk-interface-associations --query 'length(InterfaceAssociations)'", shows: /^7$/m },
    {
      run: "aws ec2 describe-network-interfaces --network-interface-ids eni-00000000000000000",
      shows: /InvalidNetworkInterfaceID.NotFound/,
      exitCode: 255,
    },
    {
      run: "aws ec2 describe-network-interfaces --filters Name=nonsense,Values=x",
      shows: /InvalidParameterValue/,
      exitCode: 255,
    },
  ],
};

const groups: Scene = {
  file: "5-groups",
  title: "The aws CLI creates and deletes security groups",
  commands: [
    {
      run: "aws ec2 create-security-group --group-name web --description 'Web servers' --vpc-id {vpcId}",
      shows: /"GroupId": "sg-/,
      keep: { group: /"GroupId": "(sg-\w+)"/ },
    },
    {
      run: "aws ec2 create-security-group --group-name web --description 'Web servers' --vpc-id {vpcId}",
      shows: /InvalidGroup.Duplicate/,
      exitCode: 255,
    },
    {
      run: "aws ec2 authorize-security-group-ingress --group-id {group} --protocol tcp --port 80 --source-group {clusterGroupId}",
      shows: /"SecurityGroupRuleId": "sgr-/,
      keep: { rule: /"SecurityGroupRuleId": "(sgr-\w+)"/ },
    },
    { run: "aws ec2 describe-security-groups --group-ids {group}", shows: /"FromPort": 80/ },
    {
      run: "aws ec2 revoke-security-group-ingress --group-id {group} --security-group-rule-ids {rule}",
      shows: /"Return": true/,
    },
    { run: "aws ec2 delete-security-group --group-id {podGroupId}", shows: /DependencyViolation/, exitCode: 255 },
    { run: "aws ec2 delete-security-group --group-id {group}", shows: /"Return": true/ },
    { run: "aws ec2 delete-security-group --group-id {group}", shows: /InvalidGroup.NotFound/, exitCode: 255 },
  ],
};

const instances: Scene = {
  file: "6-instances",
  title: "An instance joins the cluster and leaves it",
  commands: [
    { run: "aws ec2 describe-instance-types --instance-types m5.large", shows: /"MaximumNetworkInterfaces": 3/ },
    {
      run: "aws ec2 run-instances --image-id ami-0123456789abcdef0 --instance-type m5.large --count 1 --subnet-id {subnetId} --security-group-ids {clusterGroupId} --tag-specifications 'ResourceType=instance,Tags=[{Key=kubernetes.io/cluster/demo,Value=owned}]'",
      shows: /"Name": "pending"/,
      keep: { instance: /"InstanceId": "(i-\w+)"/ },
    },
    { run: "aws ec2 wait instance-running --instance-ids {instance}", shows: /^$/, settles: true },
    { run: `kubectl get nodes -l ${trunkLabel}=true`, shows: /(Ready[\s\S]*){3}/, settles: true },
    {
      run: "aws ec2 describe-instances --filters Name=instance-state-name,Values=running Name=instance-id,Values={instance} --query 'length(Reservations)'",
      shows: /^1$/m,
    },
    { run: "aws ec2 terminate-instances --instance-ids {instance}", shows: /"Name": "shutting-down"/ },
    {
      run: "aws ec2 describe-instances --instance-ids {instance} --query 'Reservations[].Instances[].State.Name'",
      shows: /"terminated"/,
      settles: true,
    },
    { run: "kubectl get nodes", shows: /^NAME.*\n(ip-.*\n){2}$/, settles: true },
  ],
};

const imperative: Scene = {
  file: "7-imperative",
  title: "Objects without manifests",
  commands: [
    { run: "kubectl create namespace other", shows: /namespace\/other created/ },
    { run: "kubectl create namespace other", shows: /AlreadyExists/, exitCode: 1 },
    { run: `kubectl create deployment web -n other --image=${image} --replicas=2`, shows: /created/ },
    { run: "kubectl rollout status deployment web -n other", shows: /successfully rolled out/ },
    { run: "kubectl expose deployment web -n other --port=80", shows: /service\/web exposed/ },
    { run: "kubectl set image deployment web -n other nginx=public.ecr.aws/nginx/nginx:1.25", shows: /image updated/ },
    { run: "kubectl rollout status deployment web -n other", shows: /successfully rolled out/ },
    { run: "kubectl rollout history deployment web -n other", shows: /^2 +<none>/m },
    { run: `kubectl run one -n other --image=${image} --labels=app=one`, shows: /pod\/one created/ },
    { run: "kubectl wait pod one -n other --for=condition=Ready", shows: /condition met/ },
    { run: "kubectl delete namespace other", shows: /namespace "other" deleted/ },
  ],
};

const end: Scene = {
  file: "8-end",
  title: "The tutorial's end",
  commands: [
    { run: `kubectl scale deployment my-deployment ${inTutorial} --replicas=0`, shows: /scaled/ },
    { run: `kubectl get pods ${inTutorial} -o name`, shows: /^pod\/green\n$/, settles: true },
    { run: `kubectl delete deployment my-deployment ${inTutorial}`, shows: /deployment.apps "my-deployment" deleted/ },
    { run: `kubectl delete sgp my-security-group-policy ${inTutorial}`, shows: /"my-security-group-policy" deleted/ },
    { run: "kubectl delete namespace my-namespace", shows: /namespace "my-namespace" deleted/ },
    {
      run: "aws ec2 describe-network-interfaces --filters Name=interface-type,Values=branch --query 'length(NetworkInterfaces)'",
      shows: /^0$/m,
      settles: true,
    },
    { run: "aws ec2 delete-security-group --group-id {databaseGroupId}", shows: /DependencyViolation/, exitCode: 255 },
  ],
};

/** Everything that stock clients are recorded with, in order. */
export const session: readonly Scene[] = [nodes, tutorial, changes, interfaces, groups, instances, imperative, end];
